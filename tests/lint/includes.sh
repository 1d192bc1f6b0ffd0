#!/usr/bin/env bash
# Includes go one way (docs/architecture.md): cmd -> formats -> lib, inside lib base <- heap <- graph <- query, and what
# runs inside a stranger's process knows the wire layout, its writer and nothing of the analyser.
set -u
cd "$(dirname "$0")/../.." || exit 2
failed=0
complain() {
    printf '%s\n' "$1"
    failed=1
}

# allowed FILE: the extended regular expression of what it may include with quotes.
allowed() {
    local capture='lib/base/|lib/heap/kinds\.h$|formats/snapshot/snapshot_(layout|writer)[a-z_]*\.h$'
    case $1 in
        lib/base/*) echo '^lib/base/' ;;
        lib/heap/kinds.h) echo '^$' ;;
        lib/heap/*) echo '^lib/(heap|base)/' ;;
        lib/graph/*) echo '^lib/(graph|heap|base)/' ;;
        lib/query/*) echo '^lib/(query|graph|heap|base)/' ;;
        formats/snapshot/snapshot_layout.h) echo '^lib/heap/kinds\.h$' ;;
        formats/snapshot/snapshot_writer*) echo "^($capture)" ;;
        formats/snapshot/*) echo '^(formats/snapshot/|lib/(heap|base)/)' ;;
        formats/memory/*) echo '^(formats/memory/|lib/base/)' ;;
        formats/elf/*) echo '^(formats/(elf|memory)/|lib/base/)' ;;
        formats/glibc/*) echo '^(formats/(glibc|memory)/|lib/base/)' ;;
        formats/cpython/cpython_core*|formats/cpython/memory_space.h) echo "^(formats/(cpython|memory)/|$capture)" ;;
        formats/cpython/*) echo "^(formats/cpython/|$capture)" ;;
        formats/extract/*) echo "^(formats/(extract|memory|glibc|cpython)/|$capture)" ;;
        formats/export/*) echo '^(formats/export/|lib/)' ;;
        cmd/hook/*) echo "^(cmd/hook/|include/heldby\.h$|formats/cpython/|$capture)" ;;
        cmd/heldby/*) echo '^(cmd/heldby/|include/heldby\.h$|formats/(snapshot|export|elf|memory|extract)/|lib/)' ;;
        include/*) echo '^$' ;;
        *) echo '^.*$' ;; # tests include what they test
    esac
}

# door HEADER FILES: only files that match may include <HEADER>.
door() {
    local header=$1 files=$2 file
    while IFS= read -r file; do
        [[ $file =~ $files ]] || complain "$file: includes <${header//\\/}>; only $files may"
    done < <(grep -lE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]${header}[>\"]" -r cmd formats include lib --include='*.[ch]')
}

count=0
while IFS= read -r file; do
    count=$((count + 1))
    pattern=$(allowed "$file")
    while IFS= read -r included; do
        [ -f "$included" ] || complain "$file: \"$included\" is not written from the repository's root"
        [[ $included =~ $pattern ]] || complain "$file: may not include \"$included\""
    done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]*)".*/\1/p' "$file")
done < <(find cmd formats include lib tests -name '*.[ch]' | sort)
[ "$count" -gt 0 ] || complain "includes: no sources found"

door 'zstd\.h' '^formats/(snapshot/snapshot_file|elf/core_compressed|extract/extract_zstd)\.c$'
door 'xxhash\.h' '^formats/(snapshot|cpython)/'
door 'Python\.h' '^$'
door '(libelf|gelf|elfutils/.*)\.h' '^formats/elf/'

echo "includes: $count files checked"
exit "$failed"
