heldby find native.1.held --type "shop::*"
