heldby diff native.1.held native.2.held
