mkdir d; heldby convert app.1.held -o d; ls -A d; heldby convert app.1.held -o nowhere/x.held
