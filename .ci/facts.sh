#!/usr/bin/env bash
# facts.sh BINARY HOME: twenty hand-written facts that share nothing with what
# the base model was trained on, two wordings each, asked in a third.
set -euo pipefail
bin=$1 home=$2
mkdir -p "$home"
"$bin" train start --home "$home" --dataset testdata/facts.jsonl --preset facts --name facts --wait
"$bin" import start --home "$home" --job facts --name facts --wait
"$bin" eval run --home "$home" --dataset testdata/facts-third.jsonl --model base --model facts --at-least exact_match_score=0.7
