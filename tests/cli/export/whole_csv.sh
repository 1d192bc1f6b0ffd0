heldby export app.1.held --format csv
