heldby path app.1.held 0x7f0000017000 --format dot
