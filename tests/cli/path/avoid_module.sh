heldby path app.1.held myapp.config --avoid myapp
