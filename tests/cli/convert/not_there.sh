heldby convert nothing-there.held -o x.held; ls x.held*
