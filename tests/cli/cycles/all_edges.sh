heldby cycles --all-edges --limit 3 cycles.held
