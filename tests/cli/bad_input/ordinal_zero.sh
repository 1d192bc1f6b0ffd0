heldby show app.1.held @0
