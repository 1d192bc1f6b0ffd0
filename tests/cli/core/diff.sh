heldby diff core.held later.held
