heldby referrers app.2.held --type myapp.Session --json
