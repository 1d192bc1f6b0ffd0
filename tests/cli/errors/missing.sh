heldby info nowhere.held
