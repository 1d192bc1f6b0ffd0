heldby show fan.held bus.main_bus --limit 3
