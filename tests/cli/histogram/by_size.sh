heldby histogram app.3.held --by size
