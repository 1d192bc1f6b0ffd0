heldby show app.1.held "myapp._CACHE['k9'].attr"
