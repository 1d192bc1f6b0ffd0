heldby growth shop.1.held shop.2.held shop.3.held --peak --by path
