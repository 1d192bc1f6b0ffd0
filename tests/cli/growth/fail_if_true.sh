heldby growth shop.1.held shop.2.held shop.3.held --limit 1 --fail-if every_step=true
