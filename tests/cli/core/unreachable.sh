heldby unreachable core.held
