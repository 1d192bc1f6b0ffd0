heldby referrers fan.held bus.main_bus --no-group --limit 3 --depth 1
