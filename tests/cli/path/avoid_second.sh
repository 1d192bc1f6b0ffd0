heldby path fan.held bus.main_bus --avoid bus.Listener
