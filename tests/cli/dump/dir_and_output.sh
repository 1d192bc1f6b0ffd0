heldby dump 1 --dir . -o x.held
