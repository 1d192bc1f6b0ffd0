heldby dominators app.3.held "myapp._CACHE['k7']" --limit 5
