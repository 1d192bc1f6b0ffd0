heldby show app.1.held 0x12zz; heldby show app.1.held 12abc; heldby show app.1.held @x
