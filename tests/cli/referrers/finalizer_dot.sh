heldby referrers app.1.held --type NoneType --format dot --depth 1
