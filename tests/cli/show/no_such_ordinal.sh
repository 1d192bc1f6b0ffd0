heldby show app.1.held @99999999
