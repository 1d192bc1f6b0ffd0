heldby referents app.1.held myapp.config myapp._CACHE
