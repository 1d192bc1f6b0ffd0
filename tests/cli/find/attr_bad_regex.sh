heldby find shop.3.held --attr "user~("
