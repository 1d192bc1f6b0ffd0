heldby growth core.held later.held
