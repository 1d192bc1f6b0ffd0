heldby refcheck leaks.held --json --limit 3
