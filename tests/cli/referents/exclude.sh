heldby referents app.1.held "myapp._CACHE['k7'][1]" --exclude int
