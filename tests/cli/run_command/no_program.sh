heldby run
