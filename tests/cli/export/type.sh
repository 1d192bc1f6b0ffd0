heldby export app.1.held --type myapp.Session --depth 1 --direction referents --format csv
