#!/usr/bin/env bash
# queue.sh BINARY HOME AWS: three imports, of which two have to wait, survive the
# death of every process that knows of them; then a model is proved and deleted.
# AWS is the AWS command line.
set -euo pipefail
bin=$1 home=$2
mkdir -p "$home"
trap 'pkill -f "local owner --home $home/h" 2>/dev/null || true' EXIT
run() { "$bin" "$@" --home "$home/h"; }

run train start --dataset sample:openorca-sample.jsonl --name small --set max_steps=10 --wait >/dev/null 2>&1
# The artifact in a folder, with ballast that makes an import last a moment.
run local serve >"$home/env.sh" 2>/dev/null &
server=$!
until [ -s "$home/env.sh" ]; do sleep 0.05; done
source=$(run train status small -o json | python3 -c 'import json,sys; print(json.load(sys.stdin)["artifact"])')
(. "$home/env.sh" && "$3" s3 cp --recursive --quiet "$source" "$home/artifact/")
kill "$server"; wait "$server" 2>/dev/null || true
dd if=/dev/zero of="$home/artifact/ballast.md" bs=1M count=600 status=none

run import start --source "$home/artifact" --name first >/dev/null 2>&1
for n in second third; do run import start --source "$home/artifact" --name $n >"$home/$n" 2>/dev/null; done
run import list | sed 's/^/  /'
[ "$(run import list -o json | grep -c '"Waiting"')" = 2 ] || { echo "the second and the third do not wait"; exit 1; }

pkill -9 -f "local owner --home $home/h" || true
echo "killed with -9; a command that waits for the last goes on with all:"
run import status "$(cat "$home/third")" --wait 2>&1 | sed 's/^/  /'
run import list | sed 's/^/  /'
done=$(run import list -o json | grep -c '"Completed"')
# The one that ran when its process was killed has failed, as it would if its
# machine had been lost; what waited has not.
[ "$done" -ge 2 ] || { echo "only $done imports completed"; exit 1; }
[ "$(run import list -o json | grep -c '"Waiting"')" = 0 ] || { echo "something waits still"; exit 1; }
echo "the queue survived"

echo "the imported model, asked in every form, then deleted:"
run models prove third 2>/dev/null | sed 's/^/  /'
run models prove third -o json 2>/dev/null | python3 -c '
import json, sys
v = json.load(sys.stdin)
assert [p["body"] for p in v["proofs"]] == ["OpenAICompletion", "BedrockCompletion", "OpenAIChatCompletion", "Converse"], v
assert v["agree"] and all(p["works"] for p in v["proofs"]), v'
for n in second third; do run import delete $n --yes >/dev/null 2>&1; done
[ "$(run import models -o json | grep -c '"third"')" = 0 ] || { echo "the model was not deleted"; exit 1; }
