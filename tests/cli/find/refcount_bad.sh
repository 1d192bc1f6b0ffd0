heldby find app.1.held --refcount many
