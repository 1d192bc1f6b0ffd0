heldby export app.1.held --format csv --rows nodes | head -20
