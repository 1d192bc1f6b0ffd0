heldby find shop.3.held --type shop.Session --attr "level>=40" --attr "level<60"
