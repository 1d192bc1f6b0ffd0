heldby path mixed.held 0x55d000011000
