heldby referrers app.1.held myapp.config --format json >one; heldby referrers app.1.held myapp.config --json | cmp one -
