heldby histogram app.3.held --filter nothing_has_this_name
