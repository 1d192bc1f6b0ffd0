heldby frobnicate
