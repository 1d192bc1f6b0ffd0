heldby find app.1.held --limit many
