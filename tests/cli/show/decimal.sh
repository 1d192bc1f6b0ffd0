heldby show app.1.held 139637977776128 | sed -n 1p
