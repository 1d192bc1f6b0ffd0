heldby path core.held @16
