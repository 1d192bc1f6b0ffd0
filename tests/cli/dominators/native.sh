heldby dominators native.1.held --depth 0
