heldby referents app.1.held myapp.handler
