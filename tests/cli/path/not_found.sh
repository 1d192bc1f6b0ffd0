heldby path app.3.held 139637976727553
