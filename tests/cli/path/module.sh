heldby path app.3.held myapp
