heldby referents app.1.held @1 --json --format dot
