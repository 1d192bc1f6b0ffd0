heldby find app.1.held --module myap.jobs
