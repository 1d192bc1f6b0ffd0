heldby info cut.held --json --limit 1
