heldby referents fan.held bus._FAN --group --depth 2
