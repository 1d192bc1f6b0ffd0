heldby path app.1.held 140193212345
