heldby referrers fan.held bus.main_bus --no-group --limit 0 --json >one; heldby referrers fan.held bus.main_bus --no-group --limit 0 --json | cmp one - && grep -c '"kind": "attribute"' one
