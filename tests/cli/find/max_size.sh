heldby find app.1.held --min-size 200 --max-size 240
