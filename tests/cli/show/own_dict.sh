heldby show shop.1.held "shop._RECENT[2]"
