heldby refcheck leaks.held --by type --json
