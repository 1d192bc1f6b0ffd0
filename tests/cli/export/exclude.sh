heldby export app.1.held myapp.config --exclude myapp.Session --exclude myapp --format csv
