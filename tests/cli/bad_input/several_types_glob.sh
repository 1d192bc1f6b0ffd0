heldby find shop.1.held --type "*.Session" --limit 2
