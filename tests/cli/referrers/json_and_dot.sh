heldby referrers app.1.held @1 --json --format dot
