heldby histogram app.3.held --json --limit 3
