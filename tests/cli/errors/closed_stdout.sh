heldby info app.1.held >&-
