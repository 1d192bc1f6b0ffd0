heldby verify cut.held
