#!/usr/bin/env bash
# Every header is a manual that can be read, and compiled, alone: with -pedantic -Werror, under every compiler found.
set -u
cd "$(dirname "$0")/../.." || exit 2
flags=(-std=c17 -D_GNU_SOURCE -DHELDBY_VERSION='"0"' -I. -Wall -Wextra -Wconversion -pedantic -Werror -fsyntax-only -x c)
failed=0
count=0
compilers=()
for compiler in gcc clang; do
    command -v "$compiler" >/dev/null && compilers+=("$compiler")
done
[ "${#compilers[@]}" -gt 0 ] || { echo "headers: no compiler found"; exit 1; }
while IFS= read -r header; do
    count=$((count + 1))
    for compiler in "${compilers[@]}"; do
        # Included from a file of its own: a header as main file would warn about static functions it does not use.
        if ! output=$(printf '#include "%s"\n#include "%s"\nint heldby_header;\n' "$header" "$header" |
            "$compiler" "${flags[@]}" - 2>&1); then
            printf '%s: does not compile alone under %s\n%s\n' "$header" "$compiler" "$output"
            failed=1
        fi
    done
done < <(find cmd formats include lib tests -name '*.h' | sort)
[ "$count" -gt 0 ] || { echo "headers: none found"; exit 1; }
echo "headers: $count checked under ${compilers[*]}"
exit "$failed"
