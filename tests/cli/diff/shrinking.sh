heldby diff app.2.held app.3.held --type "*.Job" ; heldby diff shop.1.held shop.2.held --type Burst
