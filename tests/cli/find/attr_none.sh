heldby find shop.3.held --type shop.Session --attr user=nobody
