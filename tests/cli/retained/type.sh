heldby retained app.3.held --type myapp.Session --limit 3
