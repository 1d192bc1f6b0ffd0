heldby growth app.1.held app.2.held mixed.held
