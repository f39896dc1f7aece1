#!/usr/bin/env bash
# Datasets beside other programs on the same files in the same minute, as a table.
#   .ci/peers.sh [MEGABYTES] [FOLDER]     8 MB by default; 1000 for the figures
# DuckDB, pyarrow and VisiData are packages of $PEERS_PYTHON (python3 by default).
# What is not at hand is said below the table. The figures are the best of three
# runs ($PEERS_RUNS) of whole processes, page cache warm, in brackets the least
# processor time of one, and the most anonymous memory of one more run. Searches
# run in turns with ripgrep. It fails when others find other rows than we do, never because
# something is slow.
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
command -v less >/dev/null || skipped+=("less: not installed")
vd=1
"$python" -c 'import visidata' 2>/dev/null || { vd=; skipped+=("VisiData: $python has no package visidata"); }
# The layout that pandas writes: one row group, no page index.
"$python" - "$J" "$P" <<'PY' 2>/dev/null || skipped+=("pyarrow: $python has no package pyarrow; the Parquet file is the Go library's")
import sys, pyarrow.json, pyarrow.parquet
t = pyarrow.json.read_json(sys.argv[1], read_options=pyarrow.json.ReadOptions(block_size=16 << 20))
pyarrow.parquet.write_table(t, sys.argv[2], row_group_size=64 << 20, compression="snappy")
PY

best() { # milliseconds, of a processor in brackets, and MB of a command whose answer is left in $tmp/out
	"${clock[@]}" "$tmp/out" "$@"
}
cat >"$tmp/clock.py" <<'PY'
"""clock.py OUT COMMAND... [:: COMMAND...]: the commands run in turns, so that all meet
the same load; a line each. Answers are left in OUT, OUT.1 and so on."""
import os, subprocess, sys, time
def anonymous(pid):
    try:
        return max((int(l.split()[1]) for l in open(f"/proc/{pid}/status") if l.startswith("RssAnon")), default=0)
    except OSError:
        return 0
commands = [[]]
for word in sys.argv[2:]:
    if word == "::":
        commands.append([])
    else:
        commands[-1].append(word)
ms, cpu, kb = ([v] * len(commands) for v in (1e9, 1e9, 0))
runs = int(os.environ.get("PEERS_RUNS", 3))
for run in range(runs + 1):
    for i, command in enumerate(commands):
        with open(sys.argv[1] + (f".{i}" if i else ""), "wb") as out:
            t = time.perf_counter()
            p = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
            if run == runs: # looked at in a run whose time does not count
                while os.waitid(os.P_PID, p.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
                    kb[i] = max(kb[i], anonymous(p.pid))
                    time.sleep(0.001)
            _, status, used = os.wait4(p.pid, 0)
            p.returncode = status = os.waitstatus_to_exitcode(status)
            if run < runs:
                ms[i] = min(ms[i], (time.perf_counter() - t) * 1e3)
                cpu[i] = min(cpu[i], (used.ru_utime + used.ru_stime) * 1e3)
        if status not in (0, 1, 3):
            sys.exit(f"{command}: {status}")
for i in range(len(commands)):
    print(f"{ms[i]:.0f} ms ({cpu[i]:.0f}), {kb[i] / 1024:.0f} MB")
PY
command -v python3 >/dev/null || { echo "skipped: no python3 to take the time"; exit 0; }
clock=(python3 "$tmp/clock.py")

answers() { tr -cd '0-9' <"$tmp/out${1:-}"; }
same() { [ -n "$1" ] && [ "$1" = "$2" ] || { echo "$3: $1 here, $2 there"; exit 1; }; }

echo "$(uname -m), $(nproc) cores, $(date -u +%F); $mb MB, $(wc -l <"$J") rows"
echo
echo "| work | here | peer |"
echo "|---|---|---|"
sql() { "${clock[@]}" "$tmp/out" "$python" -c 'import duckdb,sys; duckdb.sql("set enable_progress_bar=false"); print(len(r) if len(r:=duckdb.sql(sys.argv[1]).fetchall()) != 1 else r[0][0])' "$1"; }
screen() { python3 .ci/peers/screen.py "$@"; }
ask() { "$python" -c 'import duckdb,sys; print(*duckdb.sql(sys.argv[1]).fetchall()[0])' "$1"; }
line() { echo "| $1 | $2 | $3 |"; }

first='(niv|flan|cot|t0)\.0\b'
less=$(command -v less >/dev/null && echo "less $(screen "$first" -- less -nS "$J")" || true)
line "first rows of JSON Lines" "$(best "$tmp/tb" dataset head "$J")" "$less${duck:+; DuckDB $(sql "select * from read_json('$J') limit 10")}${vd:+; VisiData $(screen "$first" -- "$python" -m visidata "$J")}"
{ read -r here; read -r peer; } < <(best "$tmp/tb" dataset info "$J" :: wc -l "$J")
line "all rows of JSON Lines counted" "$here" "\`wc -l\` $peer"
line "all rows of CSV counted" "$(best "$tmp/tb" dataset info "$C")" ""
search() { # name, our arguments, rg's
	local name=$1 ours theirs here peer=""
	IFS=' ' read -ra ours <<<"$2"
	ours=("$tmp/tb" dataset search "$J" "${ours[@]}" --count)
	if command -v rg >/dev/null; then
		IFS=' ' read -ra theirs <<<"$3"
		{ read -r here; read -r peer; } < <(best "${ours[@]}" :: rg -c "${theirs[@]}" "$J")
		peer="ripgrep $peer"
		same "$(answers)" "$(answers .1)" "$name"
	else
		here=$(best "${ours[@]}")
	fi
	line "$name" "$here" "$peer"
}
search "rare literal" "zqneedle" "zqneedle"
[ -z "$less" ] || line "a literal that is nowhere" "$(best "$tmp/tb" dataset search "$J" zqnowhere --count)" "less $(screen "$first" '/zqnowhere\r' 'Pattern not found' -- less -n "$J")"
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
line "CSV: rare literal" "$(best "$tmp/tb" dataset search "$C" zqneedle --count)" ""
line "filter \`len(answer) > 400 and id ~ ^flan\`" "$(best "$tmp/tb" dataset filter "$J" 'len(answer) > 400 and id ~ ^flan' --count)" ""
here=$(best "$tmp/tb" dataset filter "$J" duplicate --count); n=$(answers)
if [ -n "$duck" ]; then
	there="DuckDB $(sql "select count(*) - count(distinct (question, response)) from read_json('$J')")"
	same "$n" "$(answers)" "repetitions"
fi
line "exact repetitions" "$here" "${there:-}"
line "near repetitions" "$(best "$tmp/tb" dataset filter "$J" near_duplicate --count)" ""

# What prepare writes as Parquet is what it writes as JSON Lines, to others too.
"$tmp/tb" dataset prepare "$J" --out "$tmp/lines" --seed 5 >/dev/null 2>&1
"$tmp/tb" dataset prepare "$J" --out "$tmp/table" --seed 5 --as parquet >/dev/null 2>&1
if [ -n "$duck" ]; then
	for split in train validation test; do
		sum="select count(*), sum(hash(id, system_prompt, question, response)) from"
		same "$(ask "$sum '$tmp/table/$split.parquet'")" "$(ask "$sum read_json('$tmp/lines/$split.jsonl')")" "$split.parquet and $split.jsonl"
	done
fi
echo
[ ${#skipped[@]} = 0 ] || printf 'skipped: %s\n' "${skipped[@]}"
