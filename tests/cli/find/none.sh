heldby find app.1.held --min-size 1GiB
