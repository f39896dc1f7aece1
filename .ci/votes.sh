#!/usr/bin/env bash
# votes.sh BINARY HOME: rounds of votes and a judge, in the home that loop.sh has
# left; see votes.py.
set -euo pipefail
model=$(sed -n 's/.*"imported_model": "\(.*\)",/\1/p' "$2/loop.json")
exec python3 "$(dirname "$0")/votes.py" "$1" "$2" "$model"
