// Wraps a command so that its standard output becomes the item's result. Needs /bin/sh and tee in the image.

/**
 * Standard output goes to the result file and to the log; standard error and the exit status are the command's own.
 * SIGTERM reaches the command, which the container's first process would otherwise ignore, and its end is awaited.
 * Of a command that fails the result is emptied: then Kubernetes reports the last lines of the log instead.
 */
export const captureScript = `trap 'trap "" TERM; kill -TERM 0; wait "$child"; exit "$?"' TERM
(
  trap : TERM
  exec 4>&1
  status=$(
    trap : TERM
    { { trap : TERM; "$@" 3>&- 4>&-; echo "$?" >&3; } | { trap "" TERM; tee "$POOL_RESULT" 3>&- >&4; }; } 3>&1
  )
  [ "$status" = 0 ] || : > "$POOL_RESULT"
  exit "$status"
) &
child=$!
wait "$child"`;

/** The command of the container, as its manifest states it. */
export function capturingCommand(command: readonly string[]): readonly string[] {
  return ["/bin/sh", "-c", captureScript, "sh", ...command].map(keepDollars);
}

/**
 * Kubernetes expands `$(NAME)` and `$$` in a command. Here it shall expand its own variables' names alone,
 * `$(POOL_ITEM)` and the like: everything else arrives as it was typed.
 */
export function keepDollars(word: string): string {
  return word.replace(/\$(\(POOL_[A-Z0-9_]+\))|\$(?=[$(])/g, (_, ours: string | undefined) =>
    ours === undefined ? "$$" : `$${ours}`,
  );
}

/** Whether the command asks Kubernetes for the item, of which there is one only in a shard of one item. */
export function namesTheItem(command: readonly string[]): boolean {
  return command.some((word) => /\$\(POOL_(ITEM|INDEX)[A-Z0-9_]*\)/.test(word));
}
