heldby path app.1.held --type list
