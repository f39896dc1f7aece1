#!/usr/bin/env bash
# container.sh: the tests of the training code, on a processor. PyTorch comes from
# the package index as its large build (about 5 GB on disk), into a cache that later
# runs use again. Where that cannot be had the script says so and ends with 0: the
# Go side does not need it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../backend/training/container"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tunebench-ci
venv=$cache/torch

skip() { printf 'SKIPPED training code: %s\n' "$1"; exit 0; }

pins=(
  torch==2.5.1 numpy==1.26.4 sentencepiece==0.2.0 jinja2==3.1.6
  pytest==8.3.5 pytest-xdist==3.6.1 ruff==0.11.13
)
wanted=$(printf '%s\n' "${pins[@]}" mistral-common==1.5.4; cat tests/requirements-cpu.txt)

if [ "$(cat "$venv/installed.txt" 2>/dev/null)" != "$wanted" ]; then
  python=
  for p in python3.11 python3.12 python3.10 python3; do
    if command -v "$p" >/dev/null && "$p" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
      python=$p
      break
    fi
  done
  [ -n "$python" ] || skip "PyTorch 2.5.1 needs Python 3.10 to 3.12 with venv, which is not here"
  mkdir -p "$cache"
  if [ ! -x "$venv/bin/python" ]; then
    free=$(df -Pk "$cache" | awk 'NR == 2 { print int($4 / 1048576) }')
    [ "$free" -ge 12 ] || skip "PyTorch and its libraries need 12 GB of free disk, and there are $free"
    "$python" -m venv "$venv" || skip "a virtual environment could not be made"
  fi
  log=$cache/torch-install.log
  echo "installing PyTorch and the other packages into $venv (a few GB)"
  "$venv/bin/pip" install -q --no-cache-dir --disable-pip-version-check "${pins[@]}" -r tests/requirements-cpu.txt >"$log" 2>&1 &&
    "$venv/bin/pip" install -q --no-deps --disable-pip-version-check mistral-common==1.5.4 >>"$log" 2>&1 ||
    skip "the packages could not be installed: $(tail -n 1 "$log")"
  printf '%s' "$wanted" >"$venv/installed.txt"
fi
"$venv/bin/python" -c 'import torch, transformers, peft' || skip "PyTorch was installed but does not load on this machine"

echo "ruff"
"$venv/bin/ruff" check --no-cache -q .
"$venv/bin/ruff" format --no-cache --check -q .

if command -v go >/dev/null; then
  built=$(mktemp -d)
  trap 'rm -rf "$built"' EXIT
  (cd ../../.. && CGO_ENABLED=0 go build -o "$built/tunebench" .)
  export TUNEBENCH_BIN=$built/tunebench
else
  echo "SKIPPED the workbench's preflight on the artifact: Go is not here"
fi

echo "pytest"
export CUDA_VISIBLE_DEVICES='' OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false PYTHONDONTWRITEBYTECODE=1
nice -n 5 "$venv/bin/python" -m pytest -q -p no:cacheprovider -n "$(( $(nproc) < 2 ? 1 : 2 ))" --durations=5 tests
echo "not shown here, because it needs GPUs: NF4 and FSDP on CUDA (NCCL), memory and tokens a second"
