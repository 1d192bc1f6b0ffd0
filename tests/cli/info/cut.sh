# A file cut before its contents: answered, with a warning.
head -c $(($(stat -c %s app.2.held) - 100)) app.2.held >cut.held
heldby info cut.held --limit 1
