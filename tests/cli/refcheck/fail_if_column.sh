heldby refcheck leaks.held --by type --fail-if 'refcount>3'
