heldby referents app.1.held
