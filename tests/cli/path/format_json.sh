heldby path app.1.held myapp.config --format json >one; heldby path app.1.held myapp.config --json | cmp one -
