heldby cycles app.1.held
