heldby histogram shop.3.held --by referrer --limit 0
