heldby growth shop.3.held shop.1.held --limit 1
