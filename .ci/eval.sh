#!/usr/bin/env bash
# eval.sh BINARY HOME: two models on 200 questions on the local account, in the
# home that loop.sh has left. Under 20 s, with numbers while it goes on, and the
# scores are those that eval score computes from the saved outputs.
set -euo pipefail
bin=$1 home=$2
model=$(sed -n 's/.*"imported_model": "\(.*\)",/\1/p' "$home/loop.json")
# The loop has asked these questions with other settings: no answer is known yet.
run() { "$bin" eval run --home "$home" --dataset sample:heldout.jsonl --limit 200 --max-tokens 61 --model base --model "$model" -o json; }
ms() { date +%s%3N; }
began=$(ms); run >"$home/eval.json" 2>"$home/eval.err"; took=$(($(ms) - began))
began=$(ms); run >"$home/eval-again.json" 2>/dev/null; again=$(($(ms) - began))
id=$(sed -n 's/^  "run": "\(.*\)",/\1/p' "$home/eval.json")
"$bin" eval export "$id" --home "$home" --format jsonl --out "$home/eval.jsonl"
for m in base "$model"; do
  grep -F "\"model\": \"$m\"," "$home/eval.jsonl" >"$home/eval-$m.jsonl"
  "$bin" eval score "$home/eval-$m.jsonl" -o json >"$home/eval-$m.json" 2>/dev/null
done
python3 - "$home" "$model" "$took" "$again" <<'PY'
import json, re, sys
home, model, took, again = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
load = lambda name: json.load(open(f"{home}/{name}"))
run, second = load("eval.json"), load("eval-again.json")
assert run["status"] == "finished" and [m["model"] for m in run["models"]] == ["base", model]
for m, same in zip(run["models"], second["models"]):
    name = m["model"]
    assert m["records"] == 200 and m["errors"] == 0, m
    saved = load(f"eval-{name}.json")
    [qa] = saved["metrics"]
    scores = {s["name"]: s for s in qa["scores"]}
    assert len(scores) == 5 and set(scores) == set(m["scores"])
    for score, v in m["scores"].items():
        assert v == scores[score]["value"], (name, score, v, scores[score])
        assert same["scores"][score] == v, (name, score)
        for side in "low", "high":
            assert abs(m["intervals"][score][side] - scores[score][side]) < 1e-12, (name, score, side)
    cats = {c["category"]: c["scores"] for c in m["categories"]}
    assert len(cats) > 1 and set(cats) == {c["name"] for c in qa["categories"]}
    for c in qa["categories"]:
        for s in c["scores"]:
            assert cats[c["name"]][s["name"]] == s["value"], (name, c["name"], s)
    # exact match once more, by nobody's code but this
    rows = [json.loads(line) for line in open(f"{home}/eval-{name}.jsonl")]
    hits = [any(r["model_output"].strip() == t.strip() for t in r["target_output"].split("<OR>")) for r in rows]
    assert len(rows) == 200 and sum(hits) / len(rows) == m["scores"]["exact_match_score"]
counts = [int(n) for n in re.findall(r"(\d+) of 400 records.* exact match base 0\.", open(f"{home}/eval.err").read())]
assert any(0 < n < 400 for n in counts), f"no numbers while the run went on: {counts}"
assert again < took / 2, f"the first run took {took} ms and the second {again}: were the answers known?"
print("200 questions x 2 models: %.1f s (again, from kept answers: %.1f s), shown on the way: %s" % (took / 1000, again / 1000, counts))
assert took < 20_000, "that is too slow"
PY
# The verdict for a pipeline: 0 or 3, and a page that needs nothing else.
"$bin" eval compare "$id" "$id" --home "$home" --fail-if 'exact_match_score < baseline + 0.5' --fail-if 'errors > 0' >"$home/compare.txt"
grep -q 'real' "$home/compare.txt"
status=0
"$bin" eval compare "$id/$model" "$id/base" --home "$home" --fail-if 'exact_match_score < baseline - 0.02' >"$home/compare.txt" 2>&1 || status=$?
[ "$status" = 3 ] || { cat "$home/compare.txt"; echo "exit status $status, not 3"; exit 1; }
grep 'rule exact_match_score' "$home/compare.txt"
"$bin" eval export "$id" --home "$home" --format html --out "$home/eval.html"
[ "$(grep -c '<svg' "$home/eval.html")" -gt 10 ]
"$bin" eval export "$id" --home "$home" --format fmeval --out "$home/fmeval"
