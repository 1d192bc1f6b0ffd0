heldby cycles native.1.held
