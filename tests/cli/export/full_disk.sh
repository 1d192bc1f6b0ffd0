heldby export fan.held --format graphml >/dev/full
