heldby cycles --type app.Laef cycles.held
