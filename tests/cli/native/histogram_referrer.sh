heldby histogram native.1.held --by referrer
