heldby histogram app.3.held --sort retained --by module
