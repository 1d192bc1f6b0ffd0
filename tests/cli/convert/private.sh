umask 022; heldby convert app.1.held -o x.held; stat -c %a x.held
