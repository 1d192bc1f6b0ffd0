heldby export app.1.held --raw --format csv | tail -n +2 | wc -l; heldby info app.1.held --json | grep -o '"edges": [0-9]*'
