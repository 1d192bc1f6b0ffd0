heldby diff app.1.held mixed.held
