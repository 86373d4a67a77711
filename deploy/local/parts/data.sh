# The data folder: everything of one cluster is in it. Whoever changes a cluster holds its lock.
# shellcheck shell=bash

# choose_data FOLDER: sets `data` to its full path; empty means the checkout's own.
choose_data() {
  data=${1:-$(cd -- "$here/../.." && pwd)/.local/cluster}
  [[ "$data" == /* ]] || data=$PWD/$data
  while [[ "$data" == */ && "$data" != / ]]; do data=${data%/}; done
}

# lock_data: waits for another up or down of the same folder. The lock is on the folder itself, which `down` removes: look again.
lock_data() {
  need flock util-linux
  # It is removed as a whole by `down`: better not somebody's home.
  [ ! -e "$data" ] || [ -e "$data/.kube-pool" ] || [ -z "$(ls -A "$data" 2>/dev/null)" ] ||
    die "$data is not empty and not a cluster's data folder: choose another with --data"
  while :; do
    mkdir -p "$data" || die "cannot make the data folder $data" "choose another with --data DIR"
    exec 8<"$data"
    flock --nonblock 8 || { say "waiting for another up or down of $data"; flock 8; }
    [ "$(stat -L -c %d:%i /proc/self/fd/8)" = "$(stat -c %d:%i "$data" 2>/dev/null)" ] && break
  done
  chmod 0700 "$data"
  : >"$data/.kube-pool"
  echo '*' >"$data/.gitignore"
}

# clear_data: ends what runs, and empties the folder but for `keep`.
clear_data() {
  local entry
  end_processes
  [ ! -s "$data/cgroup" ] || remove_cgroups "$(<"$data/cgroup")"
  for entry in "$data"/*; do
    [ "${entry##*/}" = "${1:-}" ] || rm -rf "$entry"
  done
}
