heldby find shop.3.held --attr value --limit 2
