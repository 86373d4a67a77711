# What the scripts of the local cluster say on screen. All of it goes to stderr: stdout is for what a caller reads.
# shellcheck shell=bash

say() { [ -n "${quiet:-}" ] || printf '%s\n' "$*" >&2; }

# progress TEXT: a line that the next one replaces on a terminal; elsewhere a line of its own.
progress() {
  [ -z "${quiet:-}" ] || return 0
  if [ -t 2 ]; then printf '\r\033[K%s' "$*" >&2; else printf '%s\n' "$*" >&2; fi
}
end_progress() { [ -n "${quiet:-}" ] || [ ! -t 2 ] || printf '\r\033[K' >&2; }

# die LINE…: the first line says what is wrong, the others what to do.
die() {
  printf 'kube-pool: %s\n' "$1" >&2
  shift
  [ $# = 0 ] || printf '  %s\n' "$@" >&2
  exit 1
}

# need PROGRAM PACKAGE
need() { command -v "$1" >/dev/null || die "$1 is not installed" "it is in the package $2 of most distributions"; }
