heldby find shop.1.held --tracked --min-size 300
