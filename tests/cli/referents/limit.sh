heldby referents fan.held bus._FAN --limit 2
