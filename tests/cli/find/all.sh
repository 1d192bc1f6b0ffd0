heldby find fan.held --type bus.Listener --limit 0 | wc -l
