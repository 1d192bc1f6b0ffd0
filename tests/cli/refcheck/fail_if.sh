heldby refcheck leaks.held --limit 2 --fail-if 'type=app.Session,unexplained>2'
