heldby info app.1.held --no-index --index-dir . --limit 1 | sed -n 1p
