heldby referrers fan.held bus.main_bus --no-group --depth 1 --limit 2 --format dot
