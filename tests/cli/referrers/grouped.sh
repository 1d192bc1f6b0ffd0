heldby referrers fan.held bus.main_bus
