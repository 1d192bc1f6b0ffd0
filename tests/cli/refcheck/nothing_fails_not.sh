heldby refcheck nothing.held --fail-if 'unexplained>0'
