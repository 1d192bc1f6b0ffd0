heldby cycles mixed.held --json
