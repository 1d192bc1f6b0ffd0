heldby path app.1.held --type myapp.Config --avoid myapp.Session
