heldby histogram core.held --json --limit 2
