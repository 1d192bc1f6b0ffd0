heldby find app.1.held --tyep x
