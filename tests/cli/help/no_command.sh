heldby
