heldby unreachable cut.held
