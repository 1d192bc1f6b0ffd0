printf "\177ELF" >x; heldby convert x -o x.held; ls x.held* 2>/dev/null
