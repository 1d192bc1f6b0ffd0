heldby info
