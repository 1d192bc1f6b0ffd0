heldby histogram shop.1.held --by via --type "*.Session" --json
