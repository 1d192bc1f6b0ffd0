heldby histogram native.1.held --sort retained
