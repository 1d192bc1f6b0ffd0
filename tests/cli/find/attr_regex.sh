heldby find shop.3.held --attr 'user~^(bob|user-7)$' --json
