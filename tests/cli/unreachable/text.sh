heldby unreachable cycles.held
