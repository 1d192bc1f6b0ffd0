heldby growth app.1.held restarted.held --limit 1
