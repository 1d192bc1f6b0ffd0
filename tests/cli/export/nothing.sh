heldby export nothing.held --format dot; heldby export nothing.held --format graphml; heldby export nothing.held --format csv; heldby export nothing.held --format json
