heldby histogram app.3.held --sort count --limit 3
