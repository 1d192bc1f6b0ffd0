heldby convert app.1.held -o small.held; ls small*; heldby verify small.held
