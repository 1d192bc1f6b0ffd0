heldby verify app.1.held
