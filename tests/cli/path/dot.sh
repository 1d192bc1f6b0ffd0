heldby path app.1.held 0x7f0000018000 --all --format dot
