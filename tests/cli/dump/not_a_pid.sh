heldby dump app.1.held
