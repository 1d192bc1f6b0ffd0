heldby find shop.3.held --type dict --attr user
