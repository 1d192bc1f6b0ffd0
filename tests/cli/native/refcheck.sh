heldby refcheck mixed.held
