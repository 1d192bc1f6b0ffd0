heldby cycles --min-size 6 cycles.held
