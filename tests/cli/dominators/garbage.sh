heldby dominators cycles.held 0x7f0000013400 --depth 0
