heldby path app.1.held @4000
