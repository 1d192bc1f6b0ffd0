heldby refcheck leaks.held --by type
