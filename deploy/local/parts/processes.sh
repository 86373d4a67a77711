# The processes of one cluster: each writes its own name, pid and start time into $data/processes before it becomes the program,
# so that none ever runs unrecorded, and so that a pid which now belongs to somebody else is never touched.
# shellcheck shell=bash

declare -A pids=() # of those that this script has started

# start NAME COMMAND…: in the background, in a session of its own (Ctrl-C in the terminal does not reach it).
start() {
  local name=$1
  shift
  (
    local me=$BASHPID # not within $(…), which is a process of its own
    printf "%s %s %s %s\n" "$name" "$me" "$(started_at "$me")" "$(boot)" >>"$data/processes"
    # The lock on the data folder (8) is let go only now: no other `up` can come between, should this one be killed here.
    exec setsid "$@" >>"$data/logs/$name.log" 2>&1 </dev/null 8>&-
  ) &
  pids[$name]=$!
  disown
}

# half_of_the_cores: for GOMAXPROCS of whoever answers to others. Where all share few cores, threads that look for work and wake each
# other are a quarter of what such a program takes.
half_of_the_cores() { echo "${GOMAXPROCS:-$((($(nproc) + 1) / 2))}"; }

boot() { echo "$(</proc/sys/kernel/random/boot_id)"; }

# started_at PID: clock ticks since boot, field 22 of its stat. Nothing when it is gone, or dead with all its threads and only not
# collected by its parent, which not every first process of a container does.
started_at() {
  local stat fields
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  read -r -a fields <<<"${stat##*) }" # the name before it may hold spaces and parentheses
  [ "${fields[0]}" = Z ] && [ "${fields[17]}" -le 1 ] || echo "${fields[19]}"
}

# recorded [NAME]: prints the lines of those that still run.
recorded() {
  local name pid started booted
  [ -f "$data/processes" ] || return 0
  while read -r name pid started booted; do
    [ -z "${1:-}" ] || [ "$1" = "$name" ] || continue
    [ -n "$booted" ] && [ "$booted" = "$(boot)" ] && [ "$(started_at "$pid")" = "$started" ] || continue
    echo "$name $pid $started"
  done <"$data/processes"
}

runs() { [ -n "$(recorded "$1")" ]; }

# end_processes: at once and without asking. What they would save or hand over on a polite stop is thrown away a moment later.
end_processes() {
  local name pid started tries
  for tries in {1..200}; do
    [ -n "$(recorded)" ] || return 0
    while read -r name pid started; do
      if [ "$tries" = 1 ] || [ $((tries % 20)) = 0 ]; then kill -KILL "$pid" 2>/dev/null || true; fi
    done < <(recorded)
    sleep 0.02
  done
  die "still there after SIGKILL: $(recorded | tr '\n' ';')"
}
