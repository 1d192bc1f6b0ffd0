heldby path mixed.held 0x7f0000000600
