heldby show app.1.held "myapp.handle.<locals>.requst"
