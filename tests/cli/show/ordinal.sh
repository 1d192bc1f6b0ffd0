heldby show app.1.held @2 | sed -n 1p
