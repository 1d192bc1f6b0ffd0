heldby export native.1.held --format csv --raw | head -8
