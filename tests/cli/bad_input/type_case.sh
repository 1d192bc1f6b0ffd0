heldby find app.1.held --type session
