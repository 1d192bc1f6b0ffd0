# One bit of the first block's payload.
python3 - <<'END'
data = bytearray(open('app.2.held', 'rb').read())
data[200] ^= 1
open('flipped.held', 'wb').write(data)
END
heldby verify flipped.held
