// The program that runs a command once for each item of a shard, in the one container, by the image's own /bin/sh. It
// knows nothing of Kubernetes but the file that the kubelet reads when the container has ended (its records), and
// nothing of retries. What it writes is read by termination-message.ts.
//
// Needs of the image: a POSIX shell, and head, tail, tee, mkfifo and sleep as busybox or coreutils have them. No program
// is called for the clock (busybox `date` has no fraction of a second) or for quoting.

/** The first line of the records, so that records whose beginning is missing are never taken for whole ones. */
export const recordsMark = "#1";

/** Ends records of a loop that came to its end by its own will: items without a record were not run. */
export const endMark = ".";

/** Bytes of a failed item's stderr that are kept. */
export const stderrTailBytes = 256;

/** Exit statuses of the wrapper itself; they follow sysexits.h where it has one. */
export const wrapperExits = { someFailed: 1, cannotCreate: 73, ioError: 74, stopped: 143 } as const;

export interface WrapperPaths {
  /** Where records are appended; the container's terminationMessagePath. */
  readonly records: string;
  /** An empty directory of the wrapper's own, writable. */
  readonly scratch: string;
  /** One line for each item, or one for each of its axes. */
  readonly items: string;
}

export interface WrapperInput extends WrapperPaths {
  /** Bytes that the records may take; the kubelet keeps no more. */
  readonly recordBytesMax: number;
  /** Of the items, as ranges: `40-43,47`. */
  readonly indexes: string;
  /** Of a matrix: in the order in which the item's text names them. */
  readonly axes: readonly { readonly variable: string; readonly name: string }[];
}

/** What stands before the command that is to be run once for each item. */
export function wrapperCommand(input: WrapperInput): readonly string[] {
  return [
    "/bin/sh",
    "-c",
    wrapperProgram,
    "kube-pool",
    input.records,
    input.scratch,
    input.items,
    String(input.recordBytesMax),
    input.indexes,
    String(input.axes.length),
    ...input.axes.flatMap(({ variable, name }) => [variable, name]),
  ];
}

/**
 * A record ends with the line `<ms>[+<gap>][!<exit>][~][=<text>]`: run time, milliseconds since the last run's end, exit
 * status if not 0, `~` if the text is cut, and the result (of a failure: the tail of stderr) if there is one. Lines of
 * the text before its last stand above, each after a `>`; so nothing has to be quoted, and a torn record shows.
 * Positions are indexes: the n-th record is that of the n-th item.
 *
 * Names begin with `pool_`, since what the shell finds in its environment it hands on to the command.
 */
const source = `
pool_records=$1 pool_scratch=$2 pool_items=$3 pool_limit=$4 pool_indexes=$5 pool_axes=$6
shift 6
pool_nl='
'

# In the C locale every shell counts a text in bytes; the command gets back the locale that the image chose.
pool_locale=\${LC_ALL-} pool_has_locale=\${LC_ALL+yes}
LC_ALL=C

pool_give_up() { # STATUS MESSAGE
  echo "kube-pool: $2" >&2
  exit "$1"
}

pool_clock() { # sets pool_now: milliseconds since the machine started
  IFS=' .' read -r pool_s pool_cs pool_line </proc/uptime || pool_s=0 pool_cs=00
  pool_now=$((pool_s * 1000 + (1$pool_cs - 100) * 10))
}

pool_from=1 pool_to=0
pool_next_index() { # sets POOL_INDEX; false after the last one
  if [ "$pool_from" -gt "$pool_to" ]; then
    [ -n "$pool_indexes" ] || return 1
    pool_line=\${pool_indexes%%,*}
    pool_indexes=\${pool_indexes#"$pool_line"} pool_indexes=\${pool_indexes#,}
    pool_from=\${pool_line%-*} pool_to=\${pool_line#*-}
  fi
  POOL_INDEX=$pool_from
  pool_from=$((pool_from + 1))
}

pool_next_item() { # [VARIABLE AXIS]…: sets POOL_ITEM, and a variable for each axis
  if [ "$pool_axes" -eq 0 ]; then
    IFS= read -r POOL_ITEM <&5
    return
  fi
  POOL_ITEM=
  pool_left=$pool_axes
  while [ "$pool_left" -gt 0 ]; do
    IFS= read -r pool_line <&5 && export "$1=$pool_line" || return 1
    POOL_ITEM="$POOL_ITEM\${POOL_ITEM:+,}$2=$pool_line"
    shift 2
    pool_left=$((pool_left - 1))
  done
}

pool_run() { # [VARIABLE AXIS]… COMMAND…: in a shell of its own
  shift "$((pool_axes * 2))"
  [ -z "$pool_has_locale" ] || LC_ALL=$pool_locale
  exec "$@"
}

# stderr goes to the container's log as it comes, and its tail into a file, by two pipes that make a slot. What an item
# leaves running in the background keeps its slot busy, so the next item takes another one. A tail's file is empty until
# its pipe is closed: it always ends with a line break of ours.
pool_first_slot=0
pool_open_slot() { # sets pool_err, the pipe to write to, and pool_tail
  pool_slot=$pool_first_slot
  while [ -p "$pool_scratch/err-$pool_slot" ] && [ ! -s "$pool_scratch/tail-$pool_slot" ]; do
    pool_slot=$((pool_slot + 1))
  done
  pool_err=$pool_scratch/err-$pool_slot pool_tail=$pool_scratch/tail-$pool_slot
  [ -p "$pool_err" ] || mkfifo "$pool_err" "$pool_err-copy" ||
    pool_give_up ${wrapperExits.cannotCreate} "cannot create files in $pool_scratch"
  true >"$pool_tail"
  { tail -c ${stderrTailBytes} <"$pool_err-copy"; echo; } >"$pool_tail" 5<&- &
  pool_tail_pid=$!
  tee "$pool_err-copy" <"$pool_err" >&2 5<&- &
  pool_tee_pid=$!
}

pool_await_tail() { # for a second at most: something in the background may never close the pipe
  { sleep 1; kill "$pool_tee_pid"; } >/dev/null 2>&1 5<&- &
  pool_timer=$!
  wait "$pool_tail_pid"
  # Who still holds a pipe whose reader was killed would hold up the next reader as well: it is not used again.
  wait "$pool_tee_pid" || pool_first_slot=$((pool_slot + 1))
  kill "$pool_timer" 2>/dev/null
}

pool_leave() { # STATUS: lets the last words on stderr arrive, for a second at most
  # Waiting costs less than asking again and again, which a busy node feels; only what is in the background is asked for.
  [ -z "$pool_tail" ] || [ -s "$pool_tail" ] || pool_await_tail
  pool_slot=$pool_first_slot pool_left=20
  while [ -p "$pool_scratch/err-$pool_slot" ]; do
    until [ -s "$pool_scratch/tail-$pool_slot" ] || [ "$pool_left" -le 0 ]; do
      sleep 0.05 2>/dev/null || { sleep 1; pool_left=0; }
      pool_left=$((pool_left - 1))
    done
    pool_slot=$((pool_slot + 1))
  done
  exit "$1"
}

pool_load() { # FILE BYTES: sets pool_last, pool_body (the lines before it) and pool_size, which counts = and line break
  pool_body= pool_last= pool_text= pool_size=1 pool_present=
  [ -s "$1" ] || return 0
  pool_present=yes
  pool_text=$(head -c "$2" "$1"; echo .) pool_text=\${pool_text%.}
  pool_bytes=\${#pool_text}
  pool_text=\${pool_text%"$pool_nl"}
  [ "$pool_status" -eq 0 ] || pool_text=\${pool_text%"$pool_nl"}
  pool_last=$pool_text
  while :; do
    case $pool_last in
    *"$pool_nl"*) pool_body="$pool_body>\${pool_last%%"$pool_nl"*}$pool_nl" pool_last=\${pool_last#*"$pool_nl"} ;;
    *) break ;;
    esac
  done
  pool_size=$((\${#pool_body} + \${#pool_last} + 2))
}

pool_write() { # TEXT
  [ "$pool_used" -gt 0 ] || { printf '${recordsMark}\\n' >>"$pool_records" && pool_used=${recordsMark.length + 1}; } &&
    printf %s "$1" >>"$pool_records" || pool_give_up ${wrapperExits.ioError} "cannot write to $pool_records"
  pool_used=$((pool_used + \${#1}))
}

pool_record() { # appends the record of the item that just ended; false if there is no room for its result
  pool_room=$((pool_limit - pool_used - ${endMark.length + 1}))
  [ "$pool_used" -gt 0 ] || pool_room=$((pool_room - ${recordsMark.length + 1}))
  pool_head=$((pool_ended - pool_started))
  [ "$pool_started" -le "$pool_last_ended" ] || pool_head=$pool_head+$((pool_started - pool_last_ended))
  [ "$pool_status" -eq 0 ] || pool_head=$pool_head!$pool_status
  pool_room=$((pool_room - \${#pool_head}))
  if [ "$pool_status" -ne 0 ]; then
    pool_some_failed=1
    pool_await_tail
    pool_load "$pool_tail" ${stderrTailBytes + 1}
    [ -n "$pool_body$pool_last" ] || pool_size=1 pool_present=
    # Of a failure the exit status goes first: its text gives way, down to the last line, down to nothing.
    [ "$pool_size" -le "$pool_room" ] || pool_body= pool_size=$((\${#pool_last} + 2))
    [ "$pool_size" -le "$pool_room" ] || pool_last= pool_size=1 pool_present=
  else
    pool_load "$POOL_RESULT" "$((pool_room + 1))"
    if [ "$pool_size" -gt "$pool_room" ]; then
      [ "$pool_used" -eq 0 ] || return 1
      pool_head=$pool_head~
      pool_load "$POOL_RESULT" "$((pool_bytes - (pool_size + 1 - pool_room)))"
    fi
  fi
  pool_write "$pool_body$pool_head\${pool_present:+=}$pool_last$pool_nl"
  pool_size=$((pool_size + \${#pool_head}))
  [ "$pool_size" -le "$pool_largest" ] || pool_largest=$pool_size
}

pool_stopping= pool_child= pool_tail=
trap 'pool_stopping=yes; [ -z "$pool_child" ] || kill -TERM "$pool_child" 2>/dev/null' TERM INT QUIT HUP

pool_used=0 pool_largest=40 pool_some_failed=0 pool_status=0
export POOL_ITEM POOL_INDEX POOL_RESULT
exec 5<"$pool_items"
pool_clock
pool_last_ended=$pool_now

# An item is started only while there is room for a record as large as the largest so far: it may not need it, but an
# item that was run in vain has to be run again. What is not run is handed back by having no record.
while [ -z "$pool_stopping" ] && [ "$((pool_limit - pool_used))" -ge "$((pool_largest + ${endMark.length + 1}))" ] && pool_next_index; do
  pool_next_item "$@" || pool_give_up ${wrapperExits.ioError} "$pool_items ends before item $POOL_INDEX"
  # A name of its own, since what an earlier item left running may still write to its result.
  POOL_RESULT=$pool_scratch/result-$POOL_INDEX
  true >"$POOL_RESULT" || pool_give_up ${wrapperExits.cannotCreate} "cannot create files in $pool_scratch"
  pool_open_slot
  pool_clock
  pool_started=$pool_now
  pool_run "$@" </dev/null 2>"$pool_err" 5<&- &
  pool_child=$!
  [ -z "$pool_stopping" ] || kill -TERM "$pool_child" 2>/dev/null
  wait "$pool_child"
  pool_status=$?
  # A signal ends the wait, not the command.
  while [ -n "$pool_stopping" ] && kill -0 "$pool_child" 2>/dev/null; do
    wait "$pool_child"
    pool_status=$?
  done
  # What ends after it was told to stop does not count: many programs answer SIGTERM with 0 without having finished.
  [ -z "$pool_stopping" ] || pool_leave ${wrapperExits.stopped}
  pool_child=
  pool_clock
  pool_ended=$pool_now
  pool_record || break
  true >"$POOL_RESULT"
  pool_last_ended=$pool_ended
done

pool_write "${endMark}$pool_nl"
[ -z "$pool_stopping" ] || pool_leave ${wrapperExits.stopped}
pool_leave "$pool_some_failed"
`;

/** It stands in each Job and each Pod, so it goes without what only a reader of this file needs. */
export const wrapperProgram: string = source
  .replaceAll(/^ *#.*\n/gm, "")
  .replaceAll(/ # .*$/gm, "")
  .replaceAll(/^ +/gm, "")
  .replaceAll(/\n{2,}/g, "\n")
  .trim();
