heldby export fan.held bus.main_bus --direction referrers --depth 1 --limit 1 --format json
