heldby convert app.1.held -o x.held; chmod 640 x.held; heldby convert app.2.held -o x.held; stat -c %a x.held; ls x.held*
