heldby show native.1.held "shop: g_orders -> +0x8 ->" | head -2; heldby path native.1.held "libcache.so.1: .data+0x18" | head -1; heldby show native.1.held "rbx of thread 4312" | head -2
