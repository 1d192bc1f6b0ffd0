heldby growth app.1.held app.2.held app.3.held --json --limit 2
