#!/usr/bin/env bash
# no_undefined.sh [BUILD] -- the hook goes into programs it knows nothing of: it must not need Python's symbols to be
# loaded, must not pull a library in, and must not put names into the program that could take another's place.
set -u
cd "$(dirname "$0")/../.." || exit 2
library=${1:-build}/lib/libheldby.so
failed=0
[ -f "$library" ] || { echo "no_undefined: $library is not built"; exit 1; }
if found=$(nm -D --undefined-only "$library" | grep -E ' _?Py'); then
    printf '%s: undefined symbols of Python:\n%s\n' "$library" "$found"
    failed=1
fi
needed=$(readelf -d "$library" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p')
[ -n "$needed" ] || { echo "no_undefined: readelf found no NEEDED entry"; failed=1; }
while IFS= read -r name; do
    case $name in
        libc.so.6 | libpthread.so.0 | libdl.so.2 | ld-linux-*.so.*) ;;
        *)
            echo "$library: needs $name; only the C library may be needed"
            failed=1
            ;;
    esac
done <<<"$needed"
# Exported on purpose: the module's entry, heldby.h's functions, and the C library calls that are wrapped.
if found=$(nm -D --defined-only "$library" | awk '{print $NF}' |
    grep -vE '^(PyInit_heldby|heldby_[a-z0-9_]+|sigaction|signal|__sigaction|bsd_signal|sysv_signal|__sysv_signal)(@.*)?$'); then
    printf '%s: exports that could take the place of a name of the program:\n%s\n' "$library" "$found"
    failed=1
fi
echo "no_undefined: $library checked"
exit "$failed"
