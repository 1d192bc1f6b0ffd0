# A flipped bit is noticed wherever it is.
cat >flip.py <<'END'
import subprocess, sys
data = open('app.1.held', 'rb').read()
for at in range(0, len(data), 61):
    broken = bytearray(data)
    broken[at] ^= 1 << at % 8
    open('flipped.held', 'wb').write(broken)
    done = subprocess.run(['heldby', 'path', 'flipped.held', '--type', 'myapp.Session'], capture_output=True)
    if done.returncode not in (0, 1, 3) or not done.stderr:
        print(at, done.returncode, done.stderr)
END
python3 flip.py
