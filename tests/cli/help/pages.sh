# Every command has a page whose SYNOPSIS is what -h prints, and every body belongs to a command.
for command in $(heldby help --list); do
    [ -s "$SOURCE/docs/man/$command.txt" ] || echo "docs/man/$command.txt is missing"
    heldby help --man "$command" | sed -n '/^.SH SYNOPSIS/,/^.fi/p' | grep -v '^\.' | sed 's/\\-/-/g' >page
    heldby help --synopsis "$command" | cmp - page || echo "$command: synopsis differs"
    heldby "$command" -h | sed -n '3,/^$/p' | sed '/^$/d' | cmp - page || echo "$command: -h differs"
done
for page in "$SOURCE"/docs/man/*.txt; do
    name=$(basename "$page" .txt)
    [ "$name" = heldby ] || heldby help --list | grep -qx "$name" || echo "$page belongs to no command"
done
heldby help --man | sed -n 2,3p
if command -v man >/dev/null; then heldby help --man diff | man --warnings -l - 2>&1 >/dev/null; fi
