#!/usr/bin/env bash
# tokenizers.sh: Mistral's own v3 tokenizer, as mistral-common carries it, in both
# of its file forms, against encodings by sentencepiece and tokenizers; and the
# prompt formats of the training code against those of the Go side. The
# packages come from the package index into a cache; where they cannot be had the
# script says so and ends with 0.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tunebench-ci
venv=$cache/tokenizers
export CGO_ENABLED=0

skip() { printf 'SKIPPED the real Mistral tokenizer: %s\n' "$1"; exit 0; }

wanted="mistral-common==1.13.1 sentencepiece==0.2.3 tokenizers==0.23.3 protobuf jinja2"
if [ "$(cat "$venv/installed.txt" 2>/dev/null)" != "$wanted" ]; then
  command -v python3 >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null || skip "python3 with venv is not here"
  mkdir -p "$cache"
  python3 -m venv "$venv" || skip "a virtual environment could not be made"
  # shellcheck disable=SC2086
  "$venv/bin/pip" install -q --disable-pip-version-check $wanted >"$cache/tokenizers-install.log" 2>&1 ||
    skip "the packages could not be installed: $(tail -n 1 "$cache/tokenizers-install.log")"
  printf '%s' "$wanted" >"$venv/installed.txt"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$venv/bin/python" backend/artifact/testdata/reference.py mistral "$work"
TUNEBENCH_MISTRAL_V3=$work go test -count=1 -run 'TestMistralV3' -v ./backend/artifact | tee "$work/log"
grep -q -- '--- PASS: TestMistralV3' "$work/log" || { echo "the test did not run"; exit 1; }
echo "4,000 texts of many scripts in each form: ids equal to those of sentencepiece and tokenizers"

"$venv/bin/python" backend/training/container/testdata/examples.py "$work/examples.jsonl"
cmp "$work/examples.jsonl" backend/training/container/testdata/examples.jsonl ||
  { echo "the training code makes other ids than in testdata/examples.jsonl, which the Go side is held against"; exit 1; }
echo "prompt formats: the training code's ids and chat templates are those that the Go side is held against"
