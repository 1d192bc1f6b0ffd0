cp app.1.held ./--odd.held
heldby find --type myapp.Config -- --odd.held | sed -n 1p
