heldby histogram app.3.held --filter '('
