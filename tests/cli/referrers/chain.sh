heldby referrers app.1.held 0x7f0000400000
