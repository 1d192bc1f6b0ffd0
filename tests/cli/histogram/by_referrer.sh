heldby histogram app.3.held --by referrer --limit 8
