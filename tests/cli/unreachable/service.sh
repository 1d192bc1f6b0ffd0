heldby unreachable app.1.held
