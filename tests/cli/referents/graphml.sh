heldby referents app.1.held myapp._CACHE --format graphml
