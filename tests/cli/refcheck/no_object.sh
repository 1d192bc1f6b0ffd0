heldby refcheck leaks.held --type function
