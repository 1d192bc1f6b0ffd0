heldby export app.1.held --format heapsnapshot
