heldby export app.1.held --format dot --rows nodes
