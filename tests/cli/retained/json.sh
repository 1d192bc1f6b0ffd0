heldby retained app.3.held "myapp._CACHE['k7']" myapp.config --limit 2 --json
