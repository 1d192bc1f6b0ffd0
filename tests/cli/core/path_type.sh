heldby path core.held --type "shop::Order"
