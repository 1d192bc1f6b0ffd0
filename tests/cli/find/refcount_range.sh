heldby find app.1.held --refcount 2-3
