heldby retained app.3.held --type nothing.Here
