heldby diff app.1.held restarted.held --by path --limit 3; heldby diff app.1.held restarted.held --by path --limit 0 | grep unreachable
