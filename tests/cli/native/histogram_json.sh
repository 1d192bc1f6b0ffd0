heldby histogram native.1.held --json
