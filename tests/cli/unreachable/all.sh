heldby unreachable --all --limit 20 cycles.held | grep -A12 "begins with"
