#!/usr/bin/env python3
"""link.py BINARY HOME [SECONDS]: the built binary at the other end of a slow link.

The workbench runs on a pseudo-terminal of 200x50. What it writes is taken at 1 Mbit/s
and seen 150 ms later; keys reach it 150 ms after they are pressed. Meanwhile a job is
trained and models are scored, by commands on the same home. Told are the times from a key
to the pane that it calls for, and what was written. It fails when a pane does not come.
"""
import collections, fcntl, json, os, pty, select, statistics, struct, subprocess, sys, termios, time

RATE, DELAY = 1e6 / 8, 0.150  # bytes a second, seconds each way
PANES = [(b"3", b"Imported models"), (b"5", b"heldout.jsonl")]
PATIENCE = 10

binary, home = sys.argv[1:3]
length = float(sys.argv[3]) if len(sys.argv) > 3 else 60
os.makedirs(home, exist_ok=True)


def run(*args):
    return subprocess.Popen([binary, "--home", home, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if run("loop").wait():  # a job, a model and a run, so that every pane has something
    sys.exit("the loop failed")

pid, tty = pty.fork()
if pid == 0:
    os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    os.execv(binary, [binary, "--home", home])
os.set_blocking(tty, False)

keys, seen = collections.deque(), collections.deque()  # (due, bytes) under way
screen, total, budget, last = b"", 0, 0.0, time.monotonic()


def turn():
    """Moves what is due; reads no more than the link takes."""
    global screen, total, budget, last
    now = time.monotonic()
    budget, last = min(budget + (now - last) * RATE, 16_000), now
    while keys and keys[0][0] <= now:
        os.write(tty, keys.popleft()[1])
    if budget >= 1 and select.select([tty], [], [], 0.002)[0]:
        data = os.read(tty, int(budget))
        budget -= len(data)
        total += len(data)
        seen.append((now + DELAY, data))
    else:
        time.sleep(0.001)
    while seen and seen[0][0] <= now:
        screen = (screen + seen.popleft()[1])[-200_000:]


def press(key):
    keys.append((time.monotonic() + DELAY, key))


def until(text):
    global screen
    started = time.monotonic()
    while text not in screen:
        if time.monotonic() - started > PATIENCE:
            os.kill(pid, 9)
            sys.exit(f"{text!r} did not come within {PATIENCE} s")
        turn()
    screen = b""
    return time.monotonic() - started


until(b"1,200")
press(b"4")
until(b"question")
press(b"\x1b[27u")
for _ in range(200):
    turn()
begun, before, took, busy, n = time.monotonic(), total, [], [], 0
while time.monotonic() - begun < length:
    busy = [p for p in busy if p.poll() is None]
    if len(busy) < 2:
        busy.append(run("train", "start", "--dataset", "sample:openorca-sample.jsonl", "--wait") if n % 2 else
                    run("eval", "run", "--dataset", "sample:heldout.jsonl", "--model", "base"))
        n += 1
    key, text = PANES[len(took) % 2]
    screen = b""
    press(key)
    took.append(until(text))
    pause = time.monotonic() + 0.4
    while time.monotonic() < pause:
        turn()
spent = time.monotonic() - begun
press(b"q")
end = time.monotonic() + PATIENCE
while os.waitpid(pid, os.WNOHANG)[0] == 0:
    try:
        turn()
    except OSError:
        pass  # it has left the terminal
    if time.monotonic() > end:
        os.kill(pid, 9)
        sys.exit("it did not leave")
for p in busy:
    p.wait()
took.sort()
print(json.dumps({"keys": len(took), "median_ms": round(1e3 * statistics.median(took)), "p95_ms": round(1e3 * took[int(len(took) * 0.95)]),
                  "worst_ms": round(1e3 * took[-1]), "way_ms": round(2e3 * DELAY), "bytes_per_s": round((total - before) / spent), "jobs": n}))
