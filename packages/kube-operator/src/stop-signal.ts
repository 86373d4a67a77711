// The end of a process: the first SIGTERM or SIGINT asks it to drain, the second does not wait.

export interface Stoppable {
  on(signal: "SIGTERM" | "SIGINT", listener: () => void): unknown;
  exit(code: number): unknown;
}

/** Aborts at the first signal; at the second the process exits with 1. Give it `process`. */
export function stopSignal(process: Stoppable): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(1);
      stop.abort(new Error(`the process got ${signal}`));
    });
  }
  return stop.signal;
}
