heldby path app.3.held 0x7f0000200a00 --from myapp._CACHE
