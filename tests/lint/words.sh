#!/usr/bin/env bash
# Nothing in the tree names a place of one machine: a path of somebody's home or working folder.
set -u
cd "$(dirname "$0")/../.." || exit 2
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    list=(git ls-files -z --cached --others --exclude-standard)
else
    list=(find . \( -name .git -o -name 'build*' \) -prune -o -type f -print0)
fi
# Spelled so that this line does not match itself.
places='(^|[^a-zA-Z0-9_./-])/([r]oot|[w]ork|home/[a-z][a-z0-9_-]*)(/|[^a-zA-Z0-9_-]|$)'
if found=$("${list[@]}" | xargs -0 grep -anE "$places" 2>/dev/null); then
    printf 'paths of one machine:\n%s\n' "$found"
    exit 1
fi
echo "words: ok"
