#!/usr/bin/env bash
# story.sh BINARY HOME: the built binary in a real terminal (tmux): the loop by
# its keys, a terminal that is too small, a killed process, and how long the
# first frame takes. Texts are waited for; nothing is slept for and hoped.
set -euo pipefail
bin=$1 home=$2
mkdir -p "$home"
session=story
. "$(dirname "$0")/tmux.sh"

start() { # opens the workbench in a new window of 120x40
  tm kill-session -t story 2>/dev/null || true
  tm new-session -d -s story -x 120 -y 40 "env TERM=xterm-256color COLORTERM=truecolor $bin --home $home 2>$home/stderr; echo ended with \$?; read"
  tm set -g status off
  tm set -s escape-time 0
}

start
wait_for 20 "1,200 rows"
keys p; wait_for 20 "Prepare"; keys Enter; wait_for 20 "validation.jsonl"
keys t; wait_for 20 "Start training"; keys Enter
wait_for 20 "InProgress"
wait_for 300 "import it with i"
keys i; wait_for 20 "there is one chat template"; keys Enter
wait_for 60 "chat with it with c"
keys v; wait_for 120 "answers in every form" # proved
keys c; wait_for 20 "alt+enter"; keys -l 'What is the capital of Norway?'; keys Enter
wait_for 60 "end_turn"
keys Escape; sleep 0.1; keys 3; wait_for 20 "Imported models"
keys e; wait_for 20 "New evaluation"; keys Enter
wait_for 120 "640 of 640 records"; wait_for 10 "is better than base"
screen | grep -A1 exact_match_score

# Too small says what it needs, and comes back.
tm resize-window -t story -x 40 -y 10
wait_for 10 "60"
screen | sed -n 1,10p
tm resize-window -t story -x 80 -y 24
wait_for 10 "is better than base"

# A job that is running when the workbench is left goes on without it.
tm resize-window -t story -x 120 -y 40
keys 2; wait_for 10 "training job"; keys n; wait_for 10 "Start training"; keys C-s
wait_for 20 "InProgress"
keys C-c
wait_for 40 "ended with 0"
"$bin" train list --home "$home" | sed -n 1,3p
"$bin" train list --home "$home" | grep InProgress >/dev/null

# Killed with -9 in the middle of training: the next start says so and works.
pkill -9 -f "local owner --home $home" || true
start
wait_for 20 "1,200 rows"
keys 2; wait_for 20 "Failed"
screen | grep Failed | sed -n 1p
[ ! -s "$home/stderr" ] || { echo "something was written to standard error:"; cat "$home/stderr"; exit 1; }

# Time to the first frame, from starting the binary in a running terminal.
"$bin" --version >/dev/null
best=100000
for _ in 1 2 3 4 5; do
  keys C-c; wait_for 40 "ended with 0"
  tm respawn-pane -k -t story "env TERM=xterm-256color $bin --home $home"
  t0=$(date +%s%N)
  until screen | grep Dataset >/dev/null; do :; done
  ms=$((($(date +%s%N) - t0) / 1000000))
  [ $ms -lt $best ] && best=$ms
  tm kill-session -t story; start; wait_for 20 "1,200 rows"
done
echo "first frame in tmux after $best ms (best of 5)"
echo "the story passed"
