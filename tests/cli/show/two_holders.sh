heldby show shop.3.held "shop._SESSIONS['k7']"
