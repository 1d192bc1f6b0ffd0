heldby info app.1.held --json=yes
