# Every document parses, and says which file it is about and whether that is complete; also with hostile names in it.
check() {
    heldby "$@" --json >document
    python3 - "$1" <<'END'
import json, sys
document = json.loads(open("document", encoding="utf-8", errors="strict").read())
assert ("file" in document) != ("files" in document), "file or files"
assert document["complete"] is True and document["warnings"] == [], "complete, warnings"
print(sys.argv[1], *sorted(document))
END
}
check info app.1.held
check histogram app.1.held
check find app.1.held
check show app.1.held myapp.config
check referents app.1.held myapp.config
check referrers app.1.held myapp.config
check path app.1.held myapp.config
check path app.1.held --type myapp.Session
check diff app.1.held app.2.held
check diff app.1.held app.2.held --objects
check growth app.1.held app.2.held app.3.held
check export app.1.held
check cycles cycles.held
check unreachable cycles.held
check refcheck leaks.held
check verify app.1.held
for command in info histogram find export cycles; do
    check $command hostile.held
done
check show hostile.held 0x7f0000011000
check referrers hostile.held 0x7f0000011000
check path hostile.held 0x7f0000011000
