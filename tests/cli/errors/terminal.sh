# On a terminal: colour, and lines that fit it.
cat >terminal.py <<'END'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    os.execvp("heldby", ["heldby"] + sys.argv[1:])
text = b""
while True:
    try:
        piece = os.read(fd, 4096)
    except OSError:
        break
    if not piece:
        break
    text += piece
os.waitpid(pid, 0)
print(text.decode().replace("\r\n", "\n").replace("\x1b", "ESC"), end="")
END
python3 terminal.py find app.1.held --type str --value user --limit 2
NO_COLOR=1 python3 terminal.py find app.1.held --type str --value user --limit 1
