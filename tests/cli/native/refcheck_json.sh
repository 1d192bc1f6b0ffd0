heldby refcheck mixed.held --json
