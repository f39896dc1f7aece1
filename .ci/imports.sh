#!/usr/bin/env bash
# The rules between rooms that the design fixes, held against the real imports.
set -euo pipefail
list=$(go list -f '{{$p := .ImportPath}}{{range .Imports}}{{$p}} {{.}}{{"\n"}}{{end}}' ./...)
bad=0
forbid() { # why, pattern over "package import"
  local hits
  hits=$(grep -E "$2" <<<"$list" || true)
  if [ -n "$hits" ]; then printf '%s:\n%s\n' "$1" "$hits"; bad=1; fi
}
forbid "backend must not know the screen" '^tunebench/backend[^ ]* (tunebench/tui|charm\.land/)'
forbid "tui must not import an AWS SDK package" '^tunebench/tui[^ ]* github\.com/(aws/)'
forbid "metrics and themes import no other room" '^tunebench/(metrics|themes)[^ ]* tunebench/(backend|tui)'
forbid "artifact and safetext know no service" '^tunebench/backend/(artifact|safetext) (tunebench/backend/(account|chat|dataset|evaluation|localaws|modelimport|store|training|config)|github\.com/aws/)'
forbid "only account may import localaws" '^tunebench/backend/(chat|config|dataset|evaluation|modelimport|safetext|store|training|artifact)[^ ]* tunebench/backend/localaws'
forbid "only account may import localaws" '^tunebench/(main|tui)[^ ]* tunebench/backend/localaws'
forbid "the local account shares no types with the services" '^tunebench/backend/localaws[^ ]* tunebench/backend/(account|chat|config|dataset|evaluation|modelimport|store|training)( |$)'
old=$(go list -deps -f '{{.ImportPath}}' ./... | grep -E '^github.com/charmbracelet/(bubbletea|lipgloss|bubbles)(/|$)' || true)
if [ -n "$old" ]; then printf 'Bubble Tea v1 is linked:\n%s\n' "$old"; bad=1; fi
exit $bad
