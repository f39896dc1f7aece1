#!/usr/bin/env bash
# hardship.sh BINARY HOME: what goes wrong on real machines. A full disk needs a
# small file system of its own, and so root; without it that part is skipped.
set -euo pipefail
bin=$1 home=$2
mkdir -p "$home"
mount=
trap '[ -z "$mount" ] || umount "$mount" 2>/dev/null || true; pkill -f "local owner --home $home" 2>/dev/null || true' EXIT

fails_with() { # TEXT COMMAND...: the command fails and says TEXT
  local text=$1 status=0; shift
  "$@" >"$home/out" 2>"$home/err" || status=$?
  if [ $status = 0 ] || ! grep -qi -- "$text" "$home/err"; then
    echo "$* ended with $status and did not say \"$text\":"; cat "$home/out" "$home/err"; exit 1
  fi
  printf '  %s\n' "$(tail -1 "$home/err")"
}

echo "killed with -9 in the middle of training:"
"$bin" train start --home "$home/kill" --dataset sample:openorca-sample.jsonl --name killed --set max_steps=100000 >/dev/null
end=$((SECONDS + 60))
until "$bin" train logs killed --home "$home/kill" | grep '"event":"step"' >/dev/null; do
  [ $SECONDS -lt $end ] || { echo "the job never began"; exit 1; }
  sleep 0.2
done
pkill -9 -f "local owner --home $home/kill"
"$bin" train status killed --home "$home/kill" | tee "$home/status" | sed 's/^/  /'
grep -q 'Failed' "$home/status"
"$bin" train logs killed --home "$home/kill" | grep '"event":"step"' >/dev/null # its log is not lost
"$bin" train start --home "$home/kill" --dataset sample:openorca-sample.jsonl --name again --set max_steps=20 --wait >/dev/null 2>&1
echo "  the next job completed"

echo "a full disk:"
if [ "$(id -u)" = 0 ] && mkdir -p "$home/full" && mount -t tmpfs -o size=6m tmpfs "$home/full" 2>/dev/null; then
  mount=$home/full
  head -c 3000000 /dev/zero >"$mount/ballast"
  seq 200000 | sed 's/.*/{"question":"What is number &?","response":"It is &"}/' >"$home/big.jsonl"
  fails_with "space" "$bin" dataset prepare "$home/big.jsonl" --home "$home/h" --out "$mount/prepared"
  [ ! -e "$mount/prepared" ] || { echo "half a dataset was left"; exit 1; }
  "$bin" train start --home "$mount" --dataset sample:openorca-sample.jsonl --name full --set max_steps=20 --wait >"$home/out" 2>"$home/err" && { echo "a job on a full disk completed"; exit 1; }
  grep -qi 'space' "$home/out" "$home/err" || { echo "the disk was full and nobody said so:"; cat "$home/out" "$home/err"; exit 1; }
  printf '  %s\n' "$(tail -1 "$home/err")"
  rm "$mount/ballast"
  "$bin" train start --home "$mount" --dataset sample:openorca-sample.jsonl --name room --set max_steps=20 --wait >/dev/null 2>"$home/err" || { echo "with room again it still fails:"; cat "$home/err"; exit 1; }
  echo "  with room again the next job completed"
  pkill -f "local owner --home $mount" || true
else
  echo "  skipped: a small file system could not be mounted (root is needed)"
fi
echo "hardships passed"
