heldby --json info app.1.held
