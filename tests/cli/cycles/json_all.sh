heldby cycles --json --limit 0 cycles.held | python3 -c '
import json, sys
answer = json.load(sys.stdin)
rows = answer["rows"]
print(len(rows), answer["rows_total"], sum(row["size"] for row in rows), answer["objects"])
print(sum(row["bytes"] for row in rows), answer["bytes"], sum(not row["reachable"] for row in rows), answer["unreachable"])
members = [member for row in rows for member in row["members"]]
print(len(members), len(set(members)))
for row in rows:
    if row["types"] != ["app.Node"]:
        print(row["size"], row["fate"], row["finalizer_type"], row["uncollectable"], row["frozen"], row["unseen_type"], row["chain"])
'
