heldby show core.held @9
