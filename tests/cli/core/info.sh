heldby info core.held
