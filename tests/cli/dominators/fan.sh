heldby dominators fan.held --limit 5
