heldby dominators nothing.held
