#!/usr/bin/env bash
# Sources are as clang-format leaves them (./dev format).
set -u
cd "$(dirname "$0")/../.." || exit 2
command -v clang-format >/dev/null || { echo "format: clang-format is missing"; exit 1; }
failed=0
count=0
while IFS= read -r file; do
    count=$((count + 1))
    if ! difference=$(clang-format "$file" | diff "$file" -); then
        printf '%s: not as clang-format leaves it:\n%s\n' "$file" "$(head -n 6 <<<"$difference")"
        failed=1
    fi
done < <(find cmd formats include lib tests -name '*.[ch]' | sort)
echo "format: $count files checked"
[ "$count" -gt 0 ] || failed=1
exit "$failed"
