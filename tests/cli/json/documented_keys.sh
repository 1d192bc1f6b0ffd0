# The keys that scripts rely on.
heldby show app.3.held "myapp._CACHE['k7'][1]" --json >show
heldby path app.3.held "myapp._CACHE['k7'][1]" --json >path
heldby path app.3.held --type myapp.Session --json >paths
heldby referrers app.3.held myapp.config --json >referrers
heldby diff app.1.held app.3.held --json >diff
heldby growth app.1.held app.2.held app.3.held --json >growth
heldby info app.3.held --json >info
heldby find app.3.held --json >find
heldby histogram app.3.held --json >histogram
heldby cycles cycles.held --json >cycles
heldby unreachable cycles.held --json >unreachable
heldby refcheck leaks.held --json >refcheck
python3 - <<'END'
import json
def keys(file, wanted, *way):
    value = json.load(open(file))
    for step in way:
        value = value[step]
    missing = set(wanted.split()) - set(value)
    if missing:
        print(file, way, "lacks", *sorted(missing))
row = "address ordinal type shallow refcount preview"
keys("info", "kind runtime pid executable time trigger pause_seconds counts bytes")
keys("info", "objects edges roots types unreachable", "counts")
keys("info", "shallow rss", "bytes")
keys("info", "name version", "runtime")
keys("histogram", "objects bytes rows")
keys("histogram", "type count shallow retained", "rows", 0)
keys("find", row, "rows", 0)
keys("show", row + " retained in_degree out_degree fields holders root")
keys("show", "kind name address type", "fields", 0)
keys("show", "kind name address type", "holders", 0)
keys("referrers", "targets nodes edges")
keys("referrers", "address type shallow root", "nodes", 0)
keys("referrers", "source target kind name count", "edges", 0)
keys("path", "found paths")
keys("path", "expression root steps", "paths", 0)
keys("path", "kind name address", "paths", 0, "root")
keys("path", "address type kind name", "paths", 0, "steps", 0)
keys("paths", "rows")
keys("paths", "expression count shallow", "rows", 0)
keys("diff", "type old_count new_count delta_count old_shallow new_shallow delta_shallow added removed", "rows", 0)
keys("growth", "type counts shallow every_step per_step", "rows", 0)
keys("cycles", "size bytes reachable finalizer types members", "rows", 0)
keys("unreachable", "objects bytes rows heads")
keys("unreachable", "type count shallow", "rows", 0)
keys("refcheck", "address type refcount found unexplained", "rows", 0)
END
