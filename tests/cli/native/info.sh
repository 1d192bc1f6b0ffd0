heldby info native.1.held | grep -v "^core"
