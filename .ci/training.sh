#!/usr/bin/env bash
# training.sh BINARY HOME: plan, start, watch, stop, resume and compare training
# jobs on the local account, by the keys of the built binary in a real terminal
# (tmux) and then by its commands. Texts are waited for.
set -euo pipefail
bin=$1 home=$2
mkdir -p "$home"
session=training
. "$(dirname "$0")/tmux.sh"
tb() { "$bin" --home "$home" "$@"; }

until_status() { # JOB STATUS
  local end=$((SECONDS + 60))
  until tb train status "$1" -o json | grep "\"status\": \"$2\"" >/dev/null; do
    [ $SECONDS -lt $end ] || { echo "$1 is not $2:"; tb train status "$1"; exit 1; }
    sleep 0.1
  done
}

logged() { # JOB EVENT
  local end=$((SECONDS + 120))
  until tb train logs "$1" 2>/dev/null | grep "\"event\":\"$2\"" >/dev/null; do
    [ $SECONDS -lt $end ] || { echo "$1 logs no $2:"; tb train logs "$1" | tail -3; exit 1; }
    sleep 0.2
  done
}

tm new-session -d -s training -x 80 -y 24 "env TERM=xterm-256color COLORTERM=truecolor $bin --home $home 2>$home/stderr; echo ended with \$?; read"
tm set -g status off
tm set -s escape-time 0
wait_for 20 "1,200 rows"

# The form at 80x24: a name, and a job that would run for long; saved as a preset.
keys 2; wait_for 20 "No training job yet"; keys n; wait_for 20 "Start training"; wait_for 20 "400 steps"
keys Up; keys -l tents                                       # the name
keys Down Down Enter; wait_for 10 "- learning"               # a group opens
keys Down Down Down Down Down; wait_for 10 "optimiser steps" # its steps
keys C-u; keys -l 100000; wait_for 20 "100,000 steps"
keys C-y; wait_for 10 "Save as a preset"; keys -l long; keys Enter; wait_for 10 "saved the preset long"
keys C-o; wait_for 10 "counted by"; keys G; wait_for 20 '"TrainingJobName": "tents"'; keys Escape
wait_for 20 "100,000 steps"; keys C-s
wait_for 30 "InProgress"; logged tents checkpoint
keys s; wait_for 10 "What it has learnt so far becomes its artifact"; keys y
wait_for 60 "Stopped"
keys R; wait_for 20 "tents-r2"; keys Enter
wait_for 30 "tents-r2"; wait_for 30 "InProgress"
until_status tents-r2 InProgress
logged tents-r2 resume
keys s; wait_for 10 "Stop the training job?"; keys y
until_status tents-r2 Stopped
keys d; wait_for 10 "What differs from which job?"; keys Enter; wait_for 10 "no difference is known"; keys Escape; sleep 0.1
keys A; wait_for 20 "once more"; wait_for 20 "tents-2"
keys Escape; sleep 0.1; keys C-c; wait_for 20 "ended with 0"
[ ! -s "$home/stderr" ] || { echo "something was written to standard error:"; cat "$home/stderr"; exit 1; }
echo "from the screen: planned, started, watched, stopped, gone on with, compared"

# The same by commands: the request that is shown is the one that is sent.
tb train presets | grep '^long ' >/dev/null
tb train presets save long --preset long --set checkpoint_every=10 --replace 2>/dev/null
tb train plan --preset long --dataset sample:openorca-sample.jsonl --name cli --write "$home/plan.json" >/dev/null 2>&1
tb train start --plan "$home/plan.json" --name cli --dry-run 2>/dev/null >"$home/request.json"
grep -q '"TrainingJobName": "cli"' "$home/request.json"
tb train start --plan "$home/plan.json" --name cli >/dev/null 2>&1
logged cli checkpoint
tb train stop cli 2>&1 | grep "a new job can go on from its last checkpoint" >/dev/null
until_status cli Stopped
job=$(tb train resume cli --set log_every=1 2>/dev/null)
[ "$job" = cli-r2 ] || { echo "resumed as $job"; exit 1; }
logged "$job" resume
tb train stop "$job" >/dev/null 2>&1
until_status "$job" Stopped
tb train diff cli "$job" | grep log_every >/dev/null
echo "from the command line: the same"
