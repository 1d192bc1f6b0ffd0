heldby histogram app.3.held --sort retained --limit 3 --json
