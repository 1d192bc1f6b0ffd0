heldby histogram shop.3.held --type Session
