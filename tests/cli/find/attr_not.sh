heldby find shop.1.held --type shop.Session --attr user!=user-1
