heldby info core.held --json
