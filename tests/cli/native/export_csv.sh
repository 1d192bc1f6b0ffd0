heldby export native.1.held --format csv
