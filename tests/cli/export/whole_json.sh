heldby export app.1.held --json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(sorted(d), len(d["nodes"]), len(d["edges"]), d["targets"])'
