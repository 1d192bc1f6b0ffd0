heldby info core.held --limit 0
