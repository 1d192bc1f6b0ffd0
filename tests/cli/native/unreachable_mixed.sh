heldby unreachable mixed.held
