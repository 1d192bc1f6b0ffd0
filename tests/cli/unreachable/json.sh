heldby unreachable --json --limit 4 cycles.held
