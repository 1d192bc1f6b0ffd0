heldby diff app.1.held app.2.held --json --limit 2
