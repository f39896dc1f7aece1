# A tmux server of its own for a script that plays the workbench. Sourced with
# $session set; the server ends with the script. Texts are waited for; nothing is
# slept for and hoped.
sock=tunebench-$session-$$
tm() { tmux -L "$sock" -f /dev/null "$@"; }
end_tmux() { tm kill-server 2>/dev/null || true; }
trap end_tmux EXIT

screen() { tm capture-pane -p -t "$session"; }
shows() { case "$(screen)" in *"$1"*) ;; *) return 1 ;; esac; }
keys() { tm send-keys -t "$session" "$@"; }
until_true() { # SECONDS WHAT COMMAND...
  local end=$((SECONDS + $1)) what=$2; shift 2
  until "$@"; do
    if [ $SECONDS -ge $end ]; then
      printf 'waited for %s; the screen:\n' "$what"; screen; exit 1
    fi
    sleep 0.05
  done
}
wait_for() { until_true "$1" "\"$2\"" shows "$2"; } # SECONDS TEXT
