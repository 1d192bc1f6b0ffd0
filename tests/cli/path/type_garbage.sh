heldby path app.3.held --type myapp.Node
