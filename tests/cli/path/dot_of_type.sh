heldby path app.1.held --type list --format dot
