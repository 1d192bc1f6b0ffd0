heldby dominators app.3.held --depth 2 --limit 3 --json
