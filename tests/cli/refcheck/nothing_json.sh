heldby refcheck nothing.held --json
