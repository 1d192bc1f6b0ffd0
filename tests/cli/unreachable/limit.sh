heldby unreachable --limit 2 cycles.held
