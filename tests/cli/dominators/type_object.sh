heldby dominators app.3.held myapp --by type
