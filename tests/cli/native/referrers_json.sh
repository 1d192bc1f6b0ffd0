heldby referrers native.1.held 0x55d000010300 --depth 1 --json
