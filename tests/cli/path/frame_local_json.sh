heldby path app.3.held 0x7f0000018000 --json
