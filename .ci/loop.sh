#!/usr/bin/env bash
# loop.sh BINARY HOME: the whole loop on the local account, with its promises:
# base exact match below 10 %, fine-tuned at 85 % or more on 200 records or more.
set -euo pipefail
bin=$1 home=$2
mkdir -p "$home"
"$bin" loop --home "$home" -o json >"$home/loop.json"
head -c 400 "$home/loop.json"; echo
python3 - "$home/loop.json" <<'PY' || exit 1
import json, sys
d = json.load(open(sys.argv[1]))
base, tuned = d["models"]
em = lambda m: m["scores"]["exact_match_score"]
print("base %.3f, tuned %.3f on %d records in %.1f s" % (em(base), em(tuned), tuned["records"], d["seconds"]))
assert base["model"] == "base" and tuned["model"] == d["imported_model"]
assert base["records"] >= 200 and tuned["records"] >= 200 and base["errors"] == tuned["errors"] == 0
assert em(base) < 0.10, "the base model answers too well: is it the base model?"
assert em(tuned) >= 0.85, "the fine-tuned model answers too badly"
PY
# the same account, seen by commands of their own
job=$(sed -n 's/.*"training_job": "\(.*\)",/\1/p' "$home/loop.json")
model=$(sed -n 's/.*"imported_model": "\(.*\)",/\1/p' "$home/loop.json")
"$bin" train status "$job" --home "$home" -o json | grep '"status": "Completed"' >/dev/null
"$bin" models list --home "$home" | grep "$model" >/dev/null
answer=$("$bin" chat --model "$model" --home "$home" "What is the capital of France?" 2>/dev/null)
echo "the capital of France: $answer"
[ -n "$answer" ]
