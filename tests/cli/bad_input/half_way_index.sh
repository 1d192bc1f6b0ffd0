heldby show app.3.held "myapp._CACHE['k7'][50].user"
