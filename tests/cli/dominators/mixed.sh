heldby dominators mixed.held --depth 0
