# The steps are all there in JSON; the expression is the folded one.
heldby path lists.held 0x55d000010b00 --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["paths"][0]["steps"]))'
heldby path lists.held 0x55d000010b00 --json | grep -o '"expression": "[^"]*"'
