// What a run has to take down, however it ends: when it is done, by a signal, or because whoever started it is gone.
import { constants } from "node:os";

const endings = new Set<() => Promise<void>>();

/** Remembers how something is taken down. The answer does it, and so does the end of the run; nothing is done twice. */
export function takenDown(end: () => Promise<void>): () => Promise<void> {
  let ended: Promise<void> | undefined;
  const once = (): Promise<void> => {
    ended ??= end().finally(() => endings.delete(once));
    return ended;
  };
  endings.add(once);
  return once;
}

/** What was set up last goes first. One failure keeps nothing else from going. */
export async function takeAllDown(): Promise<readonly unknown[]> {
  const errors: unknown[] = [];
  for (const end of [...endings].reverse()) await end().catch((error: unknown) => errors.push(error));
  return errors;
}

/** `npm` passes a signal on to a shell, and that does not: then nothing is heard of it but that the parent has changed. */
const lookEveryMs = 500;

export function takeDownOnSignals(): void {
  const parent = process.ppid;
  let isEnding = false;
  const end = async (signal: "SIGINT" | "SIGTERM"): Promise<void> => {
    if (isEnding) return;
    isEnding = true;
    console.error(`${signal}: the control plane is being taken down`);
    for (const error of await takeAllDown()) console.error(error);
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void end(signal));
  setInterval(() => {
    if (process.ppid !== parent) void end("SIGTERM");
  }, lookEveryMs).unref();
}
