heldby find shop.3.held --attr "level>many"
