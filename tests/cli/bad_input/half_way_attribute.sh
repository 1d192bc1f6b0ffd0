heldby show app.1.held "myapp.confg.options"
