heldby find app.1.held --type=myapp.Config --limit=1 --color=never | sed -n 1p
