heldby diff shop.1.held shop.2.held --sort name
