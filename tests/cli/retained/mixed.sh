heldby retained mixed.held 0x7f0000000200 0x55d000015000
