heldby refcheck nothing.held
