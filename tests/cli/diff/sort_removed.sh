heldby diff shop.2.held shop.3.held --sort removed
