heldby find app.1.held --value '['
