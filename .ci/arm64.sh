#!/usr/bin/env bash
# The program built for arm64, run by QEMU, beside the one for this machine: the
# same split, the same rows found, the same profile, from code that has no assembly.
#   .ci/arm64.sh ARM64 NATIVE HOME
set -euo pipefail
arm=$1 native=$2 home=$3
data=testdata/openorca-sample.jsonl
mkdir -p "$home"
on() { # where, command
  local where=$1
  shift
  case $where in
    arm64) qemu-aarch64 "$arm" --home "$home/arm64" "$@" ;;
    here) "$native" --home "$home/here" "$@" ;;
  esac
}
for where in arm64 here; do
  on $where dataset prepare $data --out "$home/split-$where" --seed 5 >/dev/null 2>&1
  {
    on $where dataset search $data capital --count
    on $where dataset search $data '(?i)NORWAY|c[a-z]+r' --regexp --count
    on $where dataset filter $data 'len(answer) > 6 and id ~ ^flan' --count
    on $where dataset profile $data --near -o json
  } >"$home/said-$where" 2>/dev/null
done
diff -r "$home/split-arm64" "$home/split-here"
cmp "$home/said-arm64" "$home/said-here"
[ "$(grep -c . "$home/said-here")" -gt 20 ]
echo "arm64: the same split, $(wc -c <"$home/said-here") bytes of the same answers"
