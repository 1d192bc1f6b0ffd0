heldby info app.1.held --color=sometimes
