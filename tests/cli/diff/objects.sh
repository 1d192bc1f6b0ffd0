heldby diff app.1.held app.2.held --objects --limit 2
