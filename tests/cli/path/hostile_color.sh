heldby path hostile.held 0x7f0000011000 --color always
