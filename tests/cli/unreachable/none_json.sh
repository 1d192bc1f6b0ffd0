heldby unreachable --json nothing.held
