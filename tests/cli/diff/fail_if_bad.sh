heldby diff app.1.held app.2.held --fail-if 'speed>7'
