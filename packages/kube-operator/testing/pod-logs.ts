// The logs of Pods that exist in memory only: text that a test appends.
import type { LogOptions } from "../src/kube-api.ts";
import { keyText, type ObjectKey } from "../src/object.ts";
import { badRequest } from "./api-errors.ts";
import { eventQueue } from "./event-queue.ts";

interface Log {
  text: string;
  readonly readers: Set<(text: string) => void>;
}

export class PodLogs {
  readonly #logs = new Map<string, Log>();

  append(pod: ObjectKey, text: string, container?: string): void {
    const log = this.#log(pod, container);
    log.text += text;
    for (const reader of [...log.readers]) reader(text);
  }

  /** A log that is followed ends with its Pod; `onEvent` says when to look. */
  read(
    pod: ObjectKey,
    options: LogOptions,
    isOver: () => boolean,
    onEvent: (listener: () => void) => () => void,
  ): AsyncIterable<string> {
    // A Pod in memory never restarts a container.
    if (options.previous === true) throw badRequest(`previous terminated container in pod "${pod.name}" not found`);
    const log = this.#log(pod, options.container);
    const close = new AbortController();
    const queue = eventQueue<string>(() => close.abort());
    const text = options.tailLines === undefined ? log.text : lastLines(log.text, options.tailLines);
    if (text !== "") queue.push(text);
    if (options.follow !== true || isOver()) {
      queue.end();
      return queue;
    }
    const reader = (more: string): void => queue.push(more);
    log.readers.add(reader);
    const unsubscribe = onEvent(() => isOver() && queue.end());
    const end = (): void => queue.end();
    options.signal?.addEventListener("abort", end, { once: true });
    close.signal.addEventListener("abort", () => {
      log.readers.delete(reader);
      unsubscribe();
      options.signal?.removeEventListener("abort", end);
    });
    return queue;
  }

  #log(pod: ObjectKey, container = ""): Log {
    const name = [keyText(pod), container].join(" ");
    let log = this.#logs.get(name);
    if (log === undefined) {
      log = { text: "", readers: new Set() };
      this.#logs.set(name, log);
    }
    return log;
  }
}

function lastLines(text: string, count: number): string {
  const lines = text.split(/(?<=\n)/);
  return count === 0 ? "" : lines.slice(-count).join("");
}
