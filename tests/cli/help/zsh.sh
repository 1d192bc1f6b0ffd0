# zsh is rarely there; every command and option at least is in the script.
heldby help --completion zsh >_heldby
for command in $(heldby help --list); do
    grep -q "^            '$command:" _heldby || echo "$command is missing"
done
grep -c -- --fail-if _heldby
if command -v zsh >/dev/null; then zsh -n _heldby; fi
