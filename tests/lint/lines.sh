#!/usr/bin/env bash
# One reason per file: a source over 500 lines is worth a look, over 600 it is two files. Tests are exempt.
set -u
cd "$(dirname "$0")/../.." || exit 2
failed=0
count=0
while IFS= read -r file; do
    count=$((count + 1))
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 600 ]; then
        echo "$file: $lines lines; at most 600"
        failed=1
    elif [ "$lines" -gt 500 ]; then
        echo "$file: $lines lines (warning: over 500)"
    fi
done < <(find cmd formats include lib dev -type f \( -name '*.[ch]' -o -name dev \) | sort)
echo "lines: $count files checked"
[ "$count" -gt 0 ] || failed=1
exit "$failed"
