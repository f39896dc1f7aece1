#!/usr/bin/env bash
# terminal.sh BINARY HOME: what must be true of the terminal after the workbench,
# in a real one (tmux): killed, crashed, hung up, suspended and resumed. Texts are
# waited for; nothing is slept for and hoped.
set -euo pipefail
bin=$1 home=$2
mkdir -p "$home"
session=shell
. "$(dirname "$0")/tmux.sh"
trap 'end_tmux; pkill -f "local owner --home $home" 2>/dev/null || true' EXIT

alternate() { [ "$(tm display-message -p -t shell '#{alternate_on}')" = "$1" ]; }

tm new-session -d -s shell -x 120 -y 40 "env PS1='ready> ' TERM=xterm-256color bash --norc --noprofile"
tm set -g status off
tm set -s escape-time 0
until_true 10 "the shell" shows 'ready>'
tty=$(tm display-message -p -t shell '#{pane_tty}')
settings() { stty -g <"$tty"; }
same_settings() { [ "$(settings)" = "$before" ]; }
# bash sets its own modes while it edits a line, so what counts is what a command
# started by it gets: cat runs in the same modes before and after.
keys 'cat >/dev/null' Enter
before=$(settings)
keys C-d; until_true 10 "the shell" shows 'ready>'

open() {
  keys clear Enter
  keys "$bin --home $home --color truecolor" Enter
  until_true 30 "the workbench" shows '1,200 rows'
  alternate 1 || { echo "it does not use the alternate screen"; exit 1; }
}
# The workbench is the one process with this command line that is not a watcher:
# a watcher has no arguments.
workbench() { pgrep -f -- "^$bin --home $home --color" | sed -n 1p; }
back() { # WHAT: the terminal is the shell's again
  until_true 20 "the shell after $1" alternate 0
  # What is typed before the workbench has ended may be thrown away with it.
  until_true 20 "the workbench to be gone after $1" eval '[ -z "$(workbench)" ]'
  # A process that is being dumped is gone for pgrep and not yet for the shell.
  until_true 60 "the shell to be in front after $1" eval '[ "$(tm display-message -p -t shell "#{pane_current_command}")" = bash ]'
  keys 'cat >/dev/null' Enter
  until_true 10 "the terminal's settings after $1" same_settings
  keys C-d
  [ "$(tm display-message -p -t shell '#{cursor_flag}')" = 1 ] || { echo "the cursor is hidden after $1"; exit 1; }
  [ "$(tm display-message -p -t shell '#{mouse_any_flag}')" = 0 ] || { echo "the mouse is on after $1"; exit 1; }
  keys "echo still $1" Enter
  until_true 10 "an echo after $1" shows "still $1"
  echo "after $1 the terminal is as it was"
}

open; keys C-t # the mouse on: one more thing to take back
kill -9 "$(workbench)"
until_true 20 "a word about the kill" shows 'tunebench was killed'
back "kill-9"

open; keys C-t
kill -ABRT "$(workbench)"
until_true 20 "a word about the crash" shows 'The report is in'
back "a-crash"
report=$(ls "$home"/state/reports/fault-*.txt)
grep -q 'SIGABRT' "$report" && grep -q 'goroutine' "$report"
[ "$(stat -c %a "$report" 2>/dev/null || stat -f %Lp "$report")" = 600 ] || { echo "others can read the report"; exit 1; }

open
kill -HUP "$(workbench)"
back "a-hang-up"

open
keys C-z
until_true 20 "the shell while it is suspended" alternate 0
until_true 10 "the job" shows 'Stopped'
keys fg Enter
until_true 20 "the workbench again" alternate 1
until_true 20 "its screen again" shows '1,200 rows'
keys 2; until_true 10 "a key after the pause" shows 'Training'
keys q
back "suspend-and-leave"

# The editor has the terminal and a file of its own; nothing of it is left.
cat >"$home/editor" <<'EDITOR'
#!/bin/sh
# As an editor does, it needs a terminal, and it reads a key from it.
[ -t 0 ] && [ -t 1 ] || exit 7
stat -c %a "$2" 2>/dev/null >"$(dirname "$0")/mode" || stat -f %Lp "$2" >"$(dirname "$0")/mode"
cp "$2" "$(dirname "$0")/row"
printf 'the editor has %s\n' "$1"
read -r line
[ "$line" = save ] && echo changed >"$2"
EDITOR
chmod +x "$home/editor"; mkdir -p "$home/tmp"
keys clear Enter
keys "EDITOR='$home/editor -w' VISUAL= TMPDIR=$home/tmp $bin --home $home --color truecolor" Enter
until_true 30 "the workbench" shows '1,200 rows'
keys E; until_true 20 "the editor" shows 'the editor has -w'
alternate 0 || { echo "the editor is on the alternate screen of the workbench"; exit 1; }
keys save Enter
until_true 20 "the workbench after the editor" shows 'the dataset is as it was'
alternate 1
keys 2; until_true 10 "a key after the editor" shows 'Training'
grep -q '"response": "' "$home/row"
[ "$(cat "$home/mode")" = 600 ] || { echo "others can read what is edited"; exit 1; }
[ -z "$(ls "$home/tmp")" ] || { echo "the editor's file is left behind"; exit 1; }
# A prompt of the library is changed in the same way, and kept.
mkdir -p "$home/prompts"; echo 'What is {{thing}}?' >"$home/prompts/ask.md"
keys 4; until_true 20 "the chat" shows 'ask all models'
keys C-r; until_true 10 "the library" shows 'What is {{thing}}?'
keys C-g; until_true 20 "the editor of a prompt" shows 'the editor has -w'
keys save Enter
until_true 20 "the prompt in the question" shows '> changed'
until_true 10 "the prompt to be kept" eval '[ "$(cat "$home/prompts/ask.md")" = changed ]'
keys Escape; until_true 10 "keys" shows 'enter write'
keys q
back "an-editor"

# A terminal that goes away takes the workbench with it, and leaves no orphan.
open
tm kill-server
until_true 20 "the workbench without a terminal to end" eval '[ -z "$(workbench)" ]'
[ "$(ls "$home"/state/reports | wc -l)" = 1 ] || { echo "a hang-up was reported as a fault"; exit 1; }
echo "the terminal's checks passed"
