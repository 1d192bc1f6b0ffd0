printf 'mine\n' >mine; heldby export app.1.held @999999 --format dot -o mine; cat mine; heldby export app.1.held --format csv -o mine; head -n 2 mine; ls mine*
