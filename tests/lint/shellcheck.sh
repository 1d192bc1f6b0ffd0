#!/usr/bin/env bash
# Shell scripts, told by their first line, are clean under shellcheck.
set -u
cd "$(dirname "$0")/../.." || exit 2
command -v shellcheck >/dev/null || { echo "shellcheck: is missing"; exit 1; }
mapfile -d '' scripts < <(find . \( -name .git -o -name 'build*' -o -name .cache \) -prune -o -type f -print0 |
    xargs -0 grep -lZE -m1 '^#! ?/(usr/)?bin/(env )?(ba)?sh' | sort -z)
[ "${#scripts[@]}" -gt 0 ] || { echo "shellcheck: no scripts found"; exit 1; }
shellcheck "${scripts[@]}" || exit 1
echo "shellcheck: ${#scripts[@]} scripts checked"
