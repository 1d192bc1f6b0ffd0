heldby path app.3.held --from myapp._CACHE --to 0x7f0000200a00
