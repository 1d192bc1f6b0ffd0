heldby help path
