heldby unreachable core.held --json
