heldby info cut.held
