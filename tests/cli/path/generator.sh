heldby path app.3.held $(heldby find app.3.held --value '^an item' --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["rows"][0]["address"])')
