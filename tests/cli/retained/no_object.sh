heldby retained app.3.held
