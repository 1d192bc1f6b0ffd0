heldby export app.1.held myapp._CACHE --direction referents --depth 2 --format csv
