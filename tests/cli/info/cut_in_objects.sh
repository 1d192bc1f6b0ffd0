head -c $(($(stat -c %s fan.held) / 2)) fan.held >cut.held
heldby info cut.held --limit 1
