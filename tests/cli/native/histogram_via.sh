heldby histogram mixed.held --by via
