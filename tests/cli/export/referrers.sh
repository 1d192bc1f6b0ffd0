heldby export app.1.held "myapp._CACHE['k7'][0]" --direction referrers --depth 0 --format csv
