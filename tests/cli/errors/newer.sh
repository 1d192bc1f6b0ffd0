# A newer major version is refused by name; the header is checked first.
python3 - <<'END'
data = bytearray(open('app.1.held', 'rb').read())
data[8] = 9
open('newer.held', 'wb').write(data)
END
heldby info newer.held
