heldby show app.1.held "myapp._CACHE['k8'][0]"
