heldby path native.1.held 0x55d000018800 --json
