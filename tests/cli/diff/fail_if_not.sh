heldby diff app.1.held app.2.held --limit 1 --fail-if 'type=myapp.Session,delta_count>7'
