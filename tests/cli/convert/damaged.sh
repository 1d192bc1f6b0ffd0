head -c $(($(stat -c %s app.2.held) - 100)) app.2.held >cut.held
heldby convert cut.held -o small.held && heldby verify small.held; heldby info small.held --json | head -8
