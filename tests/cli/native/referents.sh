heldby referents native.1.held 0x55d000010100 --depth 2
