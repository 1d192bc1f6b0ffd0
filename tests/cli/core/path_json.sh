heldby path core.held @16 --json
