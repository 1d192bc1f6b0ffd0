heldby refcheck leaks.held
