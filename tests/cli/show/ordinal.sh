heldby show app.1.held @2 | head -1
