heldby export fan.held bus._FAN --direction referents --depth 1 --limit 2 --format dot
