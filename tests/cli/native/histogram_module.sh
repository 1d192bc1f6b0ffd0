heldby histogram mixed.held --by module
