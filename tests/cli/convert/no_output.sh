heldby convert app.1.held
