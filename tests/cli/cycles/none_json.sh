heldby cycles --json nothing.held
