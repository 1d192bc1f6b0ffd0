heldby histogram core.held
