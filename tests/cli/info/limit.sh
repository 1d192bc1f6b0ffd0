heldby info app.1.held --limit 2
