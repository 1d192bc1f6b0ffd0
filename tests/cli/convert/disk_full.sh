heldby convert app.1.held -o /dev/full
