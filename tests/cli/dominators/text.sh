heldby dominators app.3.held
