heldby cycles --json --limit 3 cycles.held
