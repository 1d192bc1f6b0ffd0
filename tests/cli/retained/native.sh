heldby retained native.1.held 0x55d000010100 0x55d000019800
