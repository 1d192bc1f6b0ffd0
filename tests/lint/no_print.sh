#!/usr/bin/env bash
# lib/ and formats/ never print and never exit: failures go up as values, and main (or the hook's log) says them.
set -u
cd "$(dirname "$0")/../.." || exit 2
failed=0
count=0
calls='(^|[^a-zA-Z0-9_])(v?f?printf|v?dprintf|puts|fputs|putchar|fputc|putc|perror|psignal|exit|_exit|_Exit|quick_exit|abort|assert|err|errx|warn|warnx|syslog)[[:space:]]*\('
while IFS= read -r file; do
    count=$((count + 1))
    # The compiler takes the comments out; format(printf, ...) is an attribute, not a call.
    if found=$(gcc -fpreprocessed -dD -E -P "$file" 2>/dev/null | sed -E 's/format[[:space:]]*\(printf/format(/g' | grep -nE "$calls"); then
        printf '%s: prints or exits:\n%s\n' "$file" "$found"
        failed=1
    fi
done < <(find lib formats -name '*.[ch]' | sort)
echo "no_print: $count files checked"
[ "$count" -gt 0 ] || failed=1
exit "$failed"
