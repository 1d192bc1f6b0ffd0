heldby help frobnicate
