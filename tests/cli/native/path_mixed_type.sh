heldby path mixed.held --type "*"
