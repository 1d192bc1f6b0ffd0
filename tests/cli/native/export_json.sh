heldby export mixed.held 0x7f0000000400 --format json --depth 2
