heldby convert app.1.held -o app.1.held && heldby verify app.1.held
