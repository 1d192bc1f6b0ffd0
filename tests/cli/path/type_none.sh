heldby path app.3.held --type no.Such
