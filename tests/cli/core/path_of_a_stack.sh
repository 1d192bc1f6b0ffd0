heldby path core.held @3 --all
