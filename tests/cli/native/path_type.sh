heldby path native.2.held --type "shop::*"
