heldby find fan.held --limit 0 -o /dev/full
