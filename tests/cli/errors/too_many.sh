heldby info app.1.held app.2.held
