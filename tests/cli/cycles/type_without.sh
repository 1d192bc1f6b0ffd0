heldby cycles --type str cycles.held
