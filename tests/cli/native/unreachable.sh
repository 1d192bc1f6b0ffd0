heldby unreachable native.1.held
