heldby growth app.1.held
