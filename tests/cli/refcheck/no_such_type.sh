heldby refcheck leaks.held --type 'nobody.*'
