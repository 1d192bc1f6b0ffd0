heldby convert app.1.held -o - | cat >small.held; heldby convert app.1.held -o other.held; cmp small.held other.held && heldby verify small.held
