heldby referents app.1.held "myapp._CACHE['k7']" --depth 2 --format dot
