"""votes.py BINARY HOME MODEL: rounds of votes with the built binary.

A person votes by a rule over a dataset and is killed with -9 in between; what was
taken is there and the round goes on. A judge behind an endpoint of this script,
which prefers the shorter answer but for every fifth question, judges all rows. Its
agreement with the votes, Cohen's kappa and Wilson's interval are computed here once
more, from the exported answers and what the endpoint has said.
"""
import http.server, json, math, os, re, signal, subprocess, sys, threading, time

binary, home, model = sys.argv[1:4]
heard, judged, lock = [], {}, threading.Lock()


class Judge(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def reply(self, body):
        body = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply({"object": "list", "data": [{"id": "short", "object": "model"}]})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = asked["messages"][-1]["content"]
        question, first, second = re.search(r"Question:\n(.*?)\n\nReference answer:.*?Answer 1:\n(.*?)\n\nAnswer 2:\n(.*?)\n\nReply with", text, re.S).groups()
        question = question.rsplit("\n\n", 1)[-1]  # the system prompt stands before it
        say = "1" if len(first) < len(second) else "2"
        if sum(map(ord, question)) % 5 == 0:
            say = "1"  # by the place alone
        elif sum(map(ord, question)) % 7 == 0:
            say = "Well, " + say  # no verdict
        with lock:
            heard.append(question)
            judged.setdefault(question, {})[(first, second)] = say
        self.reply({"choices": [{"index": 0, "message": {"role": "assistant", "content": say}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 1}})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Judge)
threading.Thread(target=server.serve_forever, daemon=True).start()
env = dict(os.environ, OPENAI_BASE_URL=f"http://127.0.0.1:{server.server_port}/v1", OPENAI_API_KEY="k")


def run(*args, **more):
    return subprocess.run([binary, *args, "--home", home], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def ok(*args, **more):
    r = run(*args, **more)
    assert r.returncode == 0, (args, r.stderr)
    return r.stdout


class Voter:
    """Votes for the longer answer, as the judge does not, on every third row."""

    def __init__(self, *args):
        self.p = subprocess.Popen([binary, "eval", "vote", *args, "--home", home, "-o", "json"], env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def row(self):
        text = ""
        while not text.endswith("q(uit): "):
            c = self.p.stderr.read(1)
            if not c:
                return None
            text += c
        return re.search(r"(\d+) of (\d+)\n(?:system: .*?\n)?(.*?)\n(?:reference: .*?\n)?\n1: (.*?)\n\n2: (.*?)\n\n1, 2, t", text, re.S).groups()

    def vote(self, row):
        _, _, question, first, second = row
        shorter = "1" if len(first) < len(second) else "2"
        v = shorter if sum(map(ord, question)) % 3 else "12".replace(shorter, "")
        if len(first) == len(second):
            v = "t"
        self.p.stdin.write(v + "\n")
        self.p.stdin.flush()
        return {"1": first, "2": second, "t": "tie"}[v]


rows, votes = 30, {}
v = Voter("--dataset", "sample:heldout.jsonl", "-m", "base", "-m", model, "--rows", str(rows), "--seed", "11")
for n in range(12):
    row = v.row()
    assert row and row[0] == str(n + 1) and row[1] == str(rows), row
    votes[row[2]] = v.vote(row)
row = v.row()  # the twelfth is taken when the thirteenth stands
v.p.send_signal(signal.SIGKILL)
v.p.wait()
[left] = [r for r in json.loads(ok("eval", "rounds", "-o", "json")) if r["seed"] == 11]
assert left["voted"] == 12 and left["rows"] == rows, left
began = row[2]
for _ in range(50):  # the killed process counts as gone as soon as it is
    v = Voter("--round", left["id"])
    row = v.row()
    if row:
        break
    time.sleep(0.2)
assert row and row[0] == "13" and row[2] == began, (row, began)
while row:
    assert row[2] not in votes, "asked again"
    votes[row[2]] = v.vote(row)
    row = v.row()
out = json.loads(v.p.stdout.read())
assert v.p.wait() == 0 and out["voted"] == rows and out["run"] == left["run"], out
assert len(votes) == rows and out["wins_a"] + out["wins_b"] + out["ties"] == rows, out
assert not heard, "the judge was asked though nobody wanted it"

j = json.loads(ok("eval", "judge", left["run"], "--judge", "openai:short", "-o", "json"))
n = same = 0
person, machine = [], []
for question, voted in votes.items():
    said = judged.get(question)
    if not said:  # the two answers are the same
        continue
    assert len(said) == 2, "one order only"
    if any(s not in "12" for s in said.values()):
        continue
    winners = {first if s == "1" else second for (first, second), s in said.items()}
    verdict = winners.pop() if len(winners) == 1 else "tie"
    person.append(voted)
    machine.append(verdict)
# one row's answers are its own words: name them by which model gave them
answers = {}
for line in ok("eval", "export", left["run"], "--format", "jsonl").splitlines():
    r = json.loads(line)
    answers.setdefault(r["model_input"], {})[r["model_output"].strip()] = r["model"]
by = {}
for q, a in answers.items():
    by.update({(q, text): m for text, m in a.items()})
asked = [q for q in votes if q in judged and all(s in "12" for s in judged[q].values())]
name = lambda q, w: "tie" if w == "tie" else by[(q, w)]
P = [name(q, w) for q, w in zip(asked, person)]
M = [name(q, w) for q, w in zip(asked, machine)]
n, same = len(P), sum(a == b for a, b in zip(P, M))
chance = sum(P.count(w) * M.count(w) for w in set(P) | set(M)) / n**2
kappa = (same / n - chance) / (1 - chance)
z, p = 1.959963984540054, same / n
mid, half = (p + z * z / 2 / n) / (1 + z * z / n), z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
got = j["people"]
assert got["n"] == n and got["same"] == same, (got, n, same)
assert abs(got["kappa"] - kappa) < 1e-12 and abs(got["interval"]["low"] - mid + half) < 1e-9 and abs(got["interval"]["high"] - mid - half) < 1e-9, (got, kappa, mid, half)
assert j["unclear"] == sum(any(s not in "12" for s in judged[q].values()) for q in votes if q in judged), j
assert j["swayed"] > 0 and j["unclear"] > 0 and 0 < same < n, (j, same, n)
asked_before = len(heard)
assert json.loads(ok("eval", "judge", left["run"], "--judge", "openai:short", "-o", "json")) == j and len(heard) == asked_before, "asked again"
voters = {v.get("judge", ""): v for v in json.loads(ok("eval", "votes", "-o", "json"))}
assert voters["openai:short"]["votes"] == j["wins_a"] + j["wins_b"] + j["swayed"] and voters["openai:short"]["people"]["same"] == same, voters
assert voters[""]["models"][0]["rating"] > 1000 > voters[""]["models"][1]["rating"]
print(f"30 votes over a kill -9; the judge agrees on {same} of {n}, kappa {kappa:.3f}, {j['swayed']} by the order alone, {j['unclear']} without a verdict; computed twice")
