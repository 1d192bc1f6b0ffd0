heldby info app.1.held --json >/dev/full
