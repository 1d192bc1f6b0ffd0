heldby show app.1.held myap.config
