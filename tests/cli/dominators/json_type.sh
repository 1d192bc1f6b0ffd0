heldby dominators app.3.held --by type --limit 3 --json
