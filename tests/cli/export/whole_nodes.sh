heldby export app.1.held --format csv --rows nodes | sed -n 1,20p
