heldby info app.2.held
