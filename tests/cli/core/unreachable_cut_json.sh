heldby unreachable cut.held --json | python3 -c "
import json, sys
print(*json.load(sys.stdin)[\"warnings\"], sep=\"\\n\")"
