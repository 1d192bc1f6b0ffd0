heldby cycles --min-size 3 cycles.held
