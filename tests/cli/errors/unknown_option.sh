heldby find app.1.held --typ x
