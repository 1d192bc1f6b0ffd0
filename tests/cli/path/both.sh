heldby path app.3.held @1 --type x
