heldby histogram shop.3.held --by referrer --type shop.Session
