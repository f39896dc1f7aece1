#!/usr/bin/env bash
# prepared.sh BINARY HOME: a prepared dataset goes through the loop on the local
# account: recipe, splits, upload, training job, import, a score on rows that
# were not trained on.
set -euo pipefail
bin=$1 home=$2
mkdir -p "$home"
tb() { "$bin" --home "$home" "$@"; }

tb dataset prepare sample:openorca-sample.jsonl --out "$home/set" --split 0.8,0.1,0.1 --seed 7 \
  --filter 'len(answer) > 0 and not refusal' --trim --line-ends --against testdata/heldout.jsonl --save-recipe "$home/recipe.json"
tb dataset prepare sample:openorca-sample.jsonl --out "$home/again" --recipe "$home/recipe.json" >/dev/null
cmp "$home/set/train.jsonl" "$home/again/train.jsonl"
tb dataset upload "$home/set"
tb dataset search s3://tunebench-local/datasets/set/train.jsonl "What is" --count

job=$(tb train start --dataset "$home/set" --name prepared --wait -o json | sed -n 's/.*"name": "\(.*\)",/\1/p' | sed -n 1p)
tb import start --job "$job" --name prepared --wait >/dev/null
tb eval run --dataset "$home/set/test.jsonl" --model prepared --at-least exact_match_score=0.8 -o json >"$home/eval.json" ||
  { cat "$home/eval.json"; exit 1; }
grep -m 1 '"exact_match_score"' "$home/eval.json"
