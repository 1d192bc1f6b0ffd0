heldby diff app.1.held app.2.held --by path --limit 1 --json
