"""How long a program on a terminal takes until a text stands on its screen.

    screen.py PATTERN [TYPED PATTERN] -- PROGRAM ARGUMENT...

Starts PROGRAM on a pseudo terminal of 160 by 50, waits until PATTERN (a regular
expression) is in what it writes, escape sequences taken out, and prints the
milliseconds since it was started and the anonymous memory in MB, the best of
three. TYPED is typed then, and the time counts from there to the second PATTERN.
"""
import os, pty, re, select, signal, struct, sys, termios, fcntl, time

first, rest = sys.argv[1:sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1:]
plain = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()].|\x1b[=>78]|\x0f")


def wait(fd, pid, pattern, seconds=60):
    seen, end = b"", time.perf_counter() + seconds
    while time.perf_counter() < end:
        if not select.select([fd], [], [], 0.2)[0]:
            continue
        try:
            seen += os.read(fd, 1 << 16)
        except OSError:
            break
        if re.search(pattern, plain.sub(b"", seen)):
            return time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    sys.exit(f"{rest}: {pattern} is not on the screen: {plain.sub(b'', seen)[-300:]}")


def anonymous(pid):
    for line in open(f"/proc/{pid}/status"):
        key, _, value = line.partition(":")
        if key == "RssAnon":
            return int(value.split()[0]) / 1024


def run():
    start = time.perf_counter()
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", LINES="50", COLUMNS="160", LESSHISTFILE="-")
        os.execvp(rest[0], rest)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    at = wait(fd, pid, first[0].encode())
    if len(first) > 1:
        start = time.perf_counter()
        os.write(fd, first[1].encode().decode("unicode_escape").encode())
        at = wait(fd, pid, first[2].encode())
    mem = anonymous(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(fd)
    return (at - start) * 1e3, mem


runs = [run() for _ in range(3)]
print("%.0f ms, %.0f MB" % (min(r[0] for r in runs), max(r[1] for r in runs)))
