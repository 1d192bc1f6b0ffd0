heldby histogram shop.3.held --tracked
