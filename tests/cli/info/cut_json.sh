head -c $(($(stat -c %s app.2.held) - 100)) app.2.held >cut.held
heldby info cut.held --json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["complete"], len(d["warnings"]) > 0)'
