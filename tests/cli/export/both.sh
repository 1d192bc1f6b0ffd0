heldby export app.1.held @1 --type list --format dot
