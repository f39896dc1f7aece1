#!/usr/bin/env bash
# Datasets beside other programs on the same files in the same minute, as a table.
#   .ci/peers.sh [MEGABYTES] [FOLDER]     8 MB by default; 1000 for the figures
# DuckDB is the Python package of $PEERS_PYTHON (python3 by default). What is not
# at hand is said below the table. The figures are the best of three runs of whole
# processes, page cache warm. It fails when a search counts other rows than
# ripgrep or DuckDB, never because something is slow.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 GOFLAGS=-trimpath LC_ALL=C
mb=${1:-8} python=${PEERS_PYTHON:-python3}
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
dir=${2:-$tmp/data}; mkdir -p "$dir"
export TUNEBENCH_HOME=$tmp/home
go build -o "$tmp/tb" .
go run ./.ci/peers "$dir" "$mb"
J=$dir/rows.jsonl C=$dir/rows.csv P=$dir/rows.parquet
cat "$J" "$C" "$P" >/dev/null
skipped=()
duck=1
"$python" -c 'import duckdb' 2>/dev/null || { duck=; skipped+=("DuckDB: $python has no package duckdb"); }
command -v rg >/dev/null || skipped+=("ripgrep: not installed")
skipped+=("less, VisiData: their times need a terminal that is watched; not measured here")

best() { # milliseconds and peak MB of a command whose answer is left in $tmp/out
	"${clock[@]}" "$tmp/out" "$@"
}
cat >"$tmp/clock.py" <<'PY'
import os, subprocess, sys, time
ms, mb = 1e9, 0
for _ in range(3):
    with open(sys.argv[1], "wb") as out:
        t = time.perf_counter()
        p = subprocess.Popen(sys.argv[2:], stdout=out)
        _, status, use = os.wait4(p.pid, 0)
        ms, mb = min(ms, (time.perf_counter() - t) * 1e3), max(mb, use.ru_maxrss / 1024)
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
        sys.exit(f"{sys.argv[2:]}: {os.waitstatus_to_exitcode(status)}")
print(f"{ms:.0f} ms, {mb:.0f} MB")
PY
command -v python3 >/dev/null || { echo "skipped: no python3 to take the time"; exit 0; }
clock=(python3 "$tmp/clock.py")

answers() { tr -cd '0-9' <"$tmp/out"; }
same() { [ "$1" = "$2" ] || { echo "$3: $1 rows here, $2 there"; exit 1; }; }

echo "$(uname -m), $(nproc) cores, $(date -u +%F); $mb MB, $(wc -l <"$J") rows"
echo
echo "| work | here | peer |"
echo "|---|---|---|"
sql() { "${clock[@]}" "$tmp/out" "$python" -c 'import duckdb,sys; print(len(r) if len(r:=duckdb.sql(sys.argv[1]).fetchall()) != 1 else r[0][0])' "$1"; }
line() { echo "| $1 | $2 | $3 |"; }

line "first rows of JSON Lines" "$(best "$tmp/tb" dataset head "$J")" "${duck:+DuckDB $(sql "select * from read_json('$J') limit 10")}"
line "all rows of JSON Lines counted" "$(best "$tmp/tb" dataset info "$J")" "\`wc -l\` $(best wc -l "$J")"
line "all rows of CSV counted" "$(best "$tmp/tb" dataset info "$C")" ""
search() { # name, our arguments, rg's
	local name=$1 ours here peer="" n
	IFS=' ' read -ra ours <<<"$2"
	here=$(best "$tmp/tb" dataset search "$J" "${ours[@]}" --count); n=$(answers)
	if command -v rg >/dev/null; then
		IFS=' ' read -ra theirs <<<"$3"
		peer="ripgrep $(best rg -c "${theirs[@]}" "$J")"
		same "$n" "$(answers)" "$name"
	fi
	line "$name" "$here" "$peer"
}
search "rare literal" "zqneedle" "zqneedle"
search "three alternatives" "zqneedle|mistral|government --regexp" "zqneedle|mistral|government"
search "rare literal, any case" "(?i)zqNEEDLE --regexp" "-i zqNEEDLE"
search "expression with a literal" "zqn[a-z]+dle --regexp" "zqn[a-z]+dle"
search "expression without a literal" "[qz][u-z][a-c][m-p]{3,} --regexp" "[qz][u-z][a-c][m-p]{3,}"
half=$(($(wc -l <"$J") / 2))
line "Parquet: first rows" "$(best "$tmp/tb" dataset head "$P")" "${duck:+DuckDB $(sql "select * from '$P' limit 10")}"
line "Parquet: 50 rows in the middle" "$(best "$tmp/tb" dataset head "$P" --row $half --count 50)" "${duck:+DuckDB $(sql "select * from '$P' limit 50 offset $half")}"
here=$(best "$tmp/tb" dataset search "$P" zqneedle --column response --count); n=$(answers)
if [ -n "$duck" ]; then
	there="DuckDB $(sql "select count(*) from '$P' where contains(response, 'zqneedle')")"
	same "$n" "$(answers)" "Parquet"
fi
line "Parquet: search of one column" "$here" "${there:-}"
echo
printf 'skipped: %s\n' "${skipped[@]}"
