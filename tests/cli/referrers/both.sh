heldby referrers app.1.held @1 --type myapp.Session
