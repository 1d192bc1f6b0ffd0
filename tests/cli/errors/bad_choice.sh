heldby histogram app.1.held --by color
