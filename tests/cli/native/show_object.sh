heldby show mixed.held 0x7f0000000400
