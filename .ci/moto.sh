#!/usr/bin/env bash
# moto.sh: training jobs on moto's server, an AWS that we did not write: create,
# describe, list and tail a job whose log comes late and out of order.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=${XDG_CACHE_HOME:-$HOME/.cache}/tunebench-ci/moto
skip() { printf 'SKIPPED moto: %s\n' "$1"; exit 0; }
if [ ! -x "$venv/bin/moto_server" ]; then
  command -v python3 >/dev/null || skip "Python is not here"
  python3 -m venv "$venv" 2>/dev/null || skip "a virtual environment could not be made"
  "$venv/bin/pip" install -q --disable-pip-version-check 'moto[server]>=5,<6' >/dev/null 2>&1 || skip "moto could not be installed"
fi
log=$(mktemp)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$venv/bin/moto_server" -H 127.0.0.1 -p "$port" >"$log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid 2>/dev/null || true; rm -f "$log"' EXIT
for _ in $(seq 100); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  kill -0 $pid || { cat "$log"; exit 1; }
  sleep 0.2
done
TUNEBENCH_MOTO=http://127.0.0.1:$port go test ./backend/training -count=1 -v -run TestOnMoto -timeout 9m
