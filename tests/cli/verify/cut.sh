head -c $(($(stat -c %s app.2.held) - 100)) app.2.held >cut.held
heldby verify cut.held
