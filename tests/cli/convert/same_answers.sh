for file in core.held app.2.held cut.held; do
    heldby convert $file -o small.held
    for question in histogram info unreachable "path --type *"; do
        heldby $question $file --json 2>&1 | sed "s/$file/FILE/" >one
        heldby $question small.held --json 2>&1 | sed "s/small.held/FILE/" >other
        cmp one other && echo "$file: same $question"
    done
done
