heldby info nothing.held
