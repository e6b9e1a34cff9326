"""A person at a terminal: waits for a text, types another, and so on; then prints all that was seen.

terminal.py STEPS COMMAND...    STEPS is JSON: [[text to wait for, text to type], ...]
A text that ends with a colon and a space asks for a secret: the terminal must not echo by then.
Ends with the command's exit code; with 99 when nothing came for too long, with 98 when a secret would be echoed.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios

PATIENCE_S = 120

steps, command = json.loads(sys.argv[1]), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
seen = b""
mark = 0


def give_up(code):
    """Ends all with what was seen."""
    sys.stdout.write(seen.decode(errors="replace"))
    sys.stdout.flush()
    os.kill(pid, 9)
    sys.exit(code)


def more():
    """Takes in what comes; false at the end."""
    global seen
    if not select.select([terminal], [], [], PATIENCE_S)[0]:
        give_up(99)
    try:
        data = os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side is closed
        data = b""
    seen += data
    return data != b""


for wanted, typed in steps:
    while (at := seen.find(wanted.encode(), mark)) < 0:
        if not more():
            break
    if wanted.endswith(": ") and termios.tcgetattr(terminal)[3] & termios.ECHO:
        give_up(98)
    mark = at + len(wanted.encode())
    os.write(terminal, typed.encode())
while more():
    pass
_, status = os.waitpid(pid, 0)
sys.stdout.write(seen.decode(errors="replace"))
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
