heldby show app.1.held 0x7f0000100010
