heldby referrers mixed.held 0x7f0000000500
