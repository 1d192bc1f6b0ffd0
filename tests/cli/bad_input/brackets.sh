heldby show app.1.held "myapp._CACHE['k7'"; heldby show app.1.held "myapp._CACHE['k7']].user"; heldby show app.1.held "myapp._CACHE['k7].user"
