heldby referrers core.held @11
