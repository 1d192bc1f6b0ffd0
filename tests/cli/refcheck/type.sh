heldby refcheck leaks.held --type app.Session
