heldby diff app.2.held app.1.held --limit 1
