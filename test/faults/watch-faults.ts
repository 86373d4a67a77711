// What can befall a watch, one after the other: it falls silent, breaks, lies late or repeats itself. Each begins when the
// work does and happens to one kind; the operator has to find its way back by itself.
import { ApiError, type KubeObject, type WatchEvent } from "@dsl/kube-operator";
import type { SimulatedCluster } from "../support/simulated-cluster.ts";
import type { WatchInterceptor } from "../support/simulated-cluster-operator.ts";

type Events = AsyncIterable<WatchEvent<KubeObject>>;

/** One connection; `nth` counts those since the fault began, from 1. */
type WatchFault = (open: () => Events, nth: number, cluster: SimulatedCluster, closed: AbortSignal) => Events;

const gone = { code: 410, reason: "Expired", message: "too old resource version" };
const sleep = (cluster: SimulatedCluster, ms: number): Promise<void> =>
  new Promise((resolve) => cluster.world.clock.after(ms, () => resolve()));

/** Once so many events have come. */
const after = (count: number, then: (closed: AbortSignal) => Events): WatchFault =>
  async function* (open, nth, _, closed) {
    let left = count;
    for await (const event of open()) {
      if (nth === 1 && left-- === 0) return yield* then(closed);
      yield event;
    }
  };

/** Until whoever listens has had enough. */
async function* silence(closed: AbortSignal): Events {
  await new Promise((resolve) => closed.addEventListener("abort", resolve, { once: true }));
}

// biome-ignore lint/correctness/useYield: it breaks before it brings anything
async function* broken(error: Error): Events {
  throw error;
}

async function* refusal(): Events {
  yield { type: "ERROR", status: gone };
}

const reset = (): Error => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

export const watchFaults: Readonly<Record<string, WatchFault>> = {
  "half open": after(2, silence),
  "half open from the start": after(0, silence),
  "reset in the middle of a line": after(3, () => broken(reset())),
  "bad JSON": after(3, () => broken(new SyntaxError("Unexpected end of JSON input"))),
  "410 as the first answer": (open, nth) => (nth === 1 ? broken(new ApiError(gone)) : open()),
  "410 as the first event": after(0, refusal),
  "410 after some events": after(4, refusal),
  async *"closed each second"(open, nth, cluster) {
    if (nth > 8) return yield* open();
    const end = sleep(cluster, 1000).then(() => "end" as const);
    const events = open()[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([events.next(), end]);
      if (next === "end" || next.done) break;
      yield next.value;
    }
    void events.return?.();
  },
  "refused five times": (open, nth) =>
    nth <= 5 ? broken(new ApiError({ ...gone, code: 500, reason: "InternalError" })) : open(),
  async *repeats(open) {
    for await (const event of open()) {
      yield event;
      yield event;
    }
  },
  // Bookmarks of what it has sent already show that the connection lives, and nothing more.
  async *"bookmarks only, and all events a minute late"(open, nth, cluster) {
    if (nth > 1) return yield* open();
    let last: KubeObject | undefined;
    let late = true;
    for await (const event of open()) {
      if (late && event.type !== "BOOKMARK") {
        late = false;
        for (let second = 0; second < 60; second += 10) {
          await sleep(cluster, 10_000);
          if (last !== undefined) yield { type: "BOOKMARK", object: last };
        }
      }
      if (event.type === "BOOKMARK") last = event.object;
      yield event;
    }
  },
};

/** Befalls the watches of one kind once `begin` is called: those that are open then end, and the next ones meet it. */
export function watchesWith(
  fault: WatchFault,
  plural: string,
  clusterOf: () => SimulatedCluster,
): { readonly watches: WatchInterceptor; begin(): void } {
  let begun = false;
  let count = 0;
  const ends = new Set<() => void>();
  async function* interrupted(open: () => Events): Events {
    const end = new Promise<"end">((resolve) => ends.add(() => resolve("end")));
    const events = open()[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([events.next(), end]);
      if (next === "end" || next.done) break;
      yield next.value;
    }
    void events.return?.();
  }
  return {
    watches: (kind, open, closed) => {
      if (kind !== plural) return open();
      return begun ? fault(open, ++count, clusterOf(), closed) : interrupted(open);
    },
    begin() {
      begun = true;
      for (const end of ends) end();
    },
  };
}
