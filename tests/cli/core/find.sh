heldby find core.held --type "shop::*" --limit 3
