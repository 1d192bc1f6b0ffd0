heldby path app.3.held --from 0x7f0000010000 --to 0x7f0000200a00 --json
