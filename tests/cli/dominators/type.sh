heldby dominators app.3.held --by type --depth 2 --limit 4
