heldby histogram shop.3.held --by via --limit 0
