heldby verify core.held
