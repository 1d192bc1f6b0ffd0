heldby show native.1.held "shop: g_orders -> +0x28 ->"
