heldby dominators app.3.held --depth 3 --limit 3
