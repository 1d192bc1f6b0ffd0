heldby retained app.3.held myapp.config "myapp._CACHE['k7']" "myapp._CACHE['k7']" --limit 5
