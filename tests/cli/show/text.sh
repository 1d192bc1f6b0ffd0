heldby show shop.1.held "shop._SESSIONS['k1'].user"
