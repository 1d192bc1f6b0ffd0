heldby histogram shop.3.held --filter nowhere
