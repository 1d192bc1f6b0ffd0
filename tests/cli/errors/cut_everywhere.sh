# However a file is cut: an answer with a warning (1: no object is left), or exit 3; never a crash, never silence.
size=$(stat -c %s app.1.held)
for ((at = 0; at < size; at += 97)); do
    head -c $at app.1.held >cut.held
    heldby histogram cut.held >out 2>err
    status=$?
    if [ $status = 0 ] || [ $status = 1 ]; then
        grep -q "warning: .*" err || echo "cut at $at: no warning"
    elif [ $status != 3 ]; then
        echo "cut at $at: exit $status"
    fi
done
