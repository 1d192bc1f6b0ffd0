heldby growth app.1.held app.1.held app.1.held
