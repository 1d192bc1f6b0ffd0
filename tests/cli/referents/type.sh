heldby referents app.1.held --type myapp.Session --group
