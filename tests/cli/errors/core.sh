python3 -c 'import sys; sys.stdout.buffer.write(b"\x7fELF\2\1\1" + bytes(9) + b"\4\0" + bytes(100))' >core
heldby info core
