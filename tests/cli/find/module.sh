heldby find app.1.held --module myapp.jobs --limit 2
