heldby find app.1.held --min-size 300 --max-size 240
