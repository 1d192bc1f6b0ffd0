heldby find fan.held --limit 0 >/dev/full
