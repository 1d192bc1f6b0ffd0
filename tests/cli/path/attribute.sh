heldby path app.3.held "myapp._CACHE['k7'][20].user"
