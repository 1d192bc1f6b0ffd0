heldby show hostile.held 0x7f0000011000
