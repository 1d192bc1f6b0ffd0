heldby export app.1.held --format dot --depth 2
