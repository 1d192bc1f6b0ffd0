heldby growth shop.3.held shop.3.held --peak
