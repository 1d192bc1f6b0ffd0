heldby refcheck leaks.held --all
