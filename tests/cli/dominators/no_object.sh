heldby dominators app.3.held 0x1234
