heldby export app.1.held myapp.config --depth 1 --format dot
