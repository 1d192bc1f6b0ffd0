heldby show app.1.held "_CACHE['k7']"
