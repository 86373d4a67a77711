// Leader election in a thread of its own, so that a busy main thread does not lose the lease. Both sides of the thread
// are in this file: it starts itself as the worker. When everything is bundled into one file, that file is what the
// worker starts; a program therefore runs its own main only `if (isMainThread)`.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { Clock } from "./clock.ts";
import { systemClock, systemRandom } from "./clock.ts";
import type { Connection } from "./connection.ts";
import { httpKubeApi } from "./http-kube-api.ts";
import type { Elector } from "./leader.ts";
import { holdLease, type LeaseEnd, type LeaseSettings } from "./lease.ts";
import type { Log } from "./log.ts";

export interface ThreadElectorOptions {
  readonly connection: Connection;
  readonly settings: LeaseSettings;
  readonly log: Log;
}

interface WorkerData {
  readonly program: string;
  readonly settings: LeaseSettings;
  /** Without the function that brings tokens: tokens come by message. */
  readonly connection: Omit<Connection, "token">;
  readonly token: string | undefined;
  readonly shared: SharedArrayBuffer;
}

type ToWorker = { readonly type: "stop" } | { readonly type: "token"; readonly token: string };
type ToMain =
  | { readonly type: "leading" }
  | { readonly type: "rejected"; readonly token: string }
  | { readonly type: "ended"; readonly end: LeaseEnd }
  | {
      readonly type: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly fields: object;
      readonly message: string;
    };

const program = "@dsl/kube-operator/lease";

/** Places in the shared memory, all in nanoseconds of the machine's monotonic clock, which both threads read alike. */
const validUntilPlace = 0;
const mainBeatPlace = 1;
const workerBeatPlace = 2;

const beatMs = 500;
const tokenMs = 30_000;

/** Renews in a worker thread by a connection of its own, as long as the calling thread's event loop turns. */
export function threadElector({ connection, settings, log }: ThreadElectorOptions): Elector {
  const shared = new SharedArrayBuffer(3 * BigInt64Array.BYTES_PER_ELEMENT);
  const places = new BigInt64Array(shared);

  async function run(stop: AbortSignal, onLeading: () => void): Promise<LeaseEnd> {
    const { token, ...rest } = connection;
    const data: WorkerData = { program, settings, connection: rest, token: await token?.(), shared };
    Atomics.store(places, mainBeatPlace, process.hrtime.bigint());
    Atomics.store(places, workerBeatPlace, process.hrtime.bigint());
    const worker = new Worker(new URL(import.meta.url), {
      name: "lease",
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    });
    const tell = (message: ToWorker): void => worker.postMessage(message);
    const beat = setInterval(() => Atomics.store(places, mainBeatPlace, process.hrtime.bigint()), beatMs);
    const sendToken = (rejected?: string): void => {
      token?.(rejected).then(
        (fresh) => tell({ type: "token", token: fresh }),
        (error: unknown) => log.warn({ err: error }, "no fresh token for the lease"),
      );
    };
    const refresh = setInterval(sendToken, tokenMs);
    const onStop = (): void => tell({ type: "stop" });
    try {
      return await new Promise<LeaseEnd>((resolve) => {
        worker.on("message", (message: ToMain) => {
          if (message.type === "log") log[message.level](message.fields, message.message);
          else if (message.type === "leading") onLeading();
          else if (message.type === "rejected") sendToken(message.token);
          else resolve(message.end);
        });
        worker.on("error", (error) => {
          log.error({ err: error }, "the lease's thread failed");
          resolve("lost");
        });
        worker.on("exit", () => resolve("lost"));
        if (stop.aborted) onStop();
        else stop.addEventListener("abort", onStop, { once: true });
      });
    } finally {
      Atomics.store(places, validUntilPlace, 0n);
      Atomics.store(places, workerBeatPlace, 0n);
      clearInterval(beat);
      clearInterval(refresh);
      stop.removeEventListener("abort", onStop);
      await worker.terminate();
    }
  }

  return {
    run,
    mayWrite: () => process.hrtime.bigint() < Atomics.load(places, validUntilPlace),
    // Before it runs nothing can have stopped.
    beatAgeMs: () => (Atomics.load(places, workerBeatPlace) === 0n ? 0 : ageMs(places, workerBeatPlace)),
  };
}

/** The other side. */
async function runWorker(data: WorkerData, port: NonNullable<typeof parentPort>): Promise<void> {
  const places = new BigInt64Array(data.shared);
  const tell = (message: ToMain): void => port.postMessage(message);
  const stop = new AbortController();
  let token = data.token;
  port.on("message", (message: ToWorker) => {
    if (message.type === "stop") stop.abort();
    else token = message.token;
  });
  const beat = (): void => void Atomics.store(places, workerBeatPlace, process.hrtime.bigint());
  beat();
  setInterval(beat, beatMs);

  // Half the time for which the lease may go without renewal: a stall that lasts longer gives the lead away.
  const stallMs = (data.settings.renewMs ?? 10_000) / 2;
  const currentToken = async (rejected?: string): Promise<string> => {
    // The next attempt to renew will have the fresh one.
    if (rejected !== undefined && rejected === token) tell({ type: "rejected", token: rejected });
    return token ?? "";
  };
  const api = httpKubeApi({ ...data.connection, ...(token !== undefined && { token: currentToken }) });
  let isLeading = false;
  const end = await holdLease(
    {
      api,
      settings: data.settings,
      clock: machineClock,
      random: systemRandom,
      log: messageLog(tell, {}),
      isAlive: () => ageMs(places, mainBeatPlace) < stallMs,
      onValidUntil(monotonicMs) {
        Atomics.store(places, validUntilPlace, BigInt(Math.floor(monotonicMs * 1e6)));
        if (!isLeading && monotonicMs > 0) tell({ type: "leading" });
        isLeading = true;
      },
    },
    stop.signal,
  );
  tell({ type: "ended", end });
}

/** Unlike performance.now(), its monotonic time has the same origin in all threads. */
const machineClock: Clock = { ...systemClock, monotonic: () => Number(process.hrtime.bigint()) / 1e6 };

function ageMs(places: BigInt64Array, place: number): number {
  return Number(process.hrtime.bigint() - Atomics.load(places, place)) / 1e6;
}

function messageLog(tell: (message: ToMain) => void, fixed: object): Log {
  const at =
    (level: "debug" | "info" | "warn" | "error") =>
    (fields: object, message: string): void =>
      tell({ type: "log", level, fields: sendable({ ...fixed, ...fields }), message });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => messageLog(tell, { ...fixed, ...fields }),
  };
}

/** An error may hold sockets and functions, which cannot cross to another thread. */
function sendable(fields: object): object {
  const plain = (value: unknown): unknown =>
    value instanceof Error ? { type: value.name, message: value.message, stack: value.stack } : value;
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value)]));
}

// A failure is heard by the other side as the worker's error.
if (!isMainThread && parentPort !== null && workerData?.program === program) void runWorker(workerData, parentPort);
