heldby dominators core.held --limit 5
