heldby dominators shop.1.held --depth 0 --limit 0
