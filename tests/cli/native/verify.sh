heldby verify native.1.held; heldby verify mixed.held
