// The only writer. Carries a plan out in the order that makes a crash after any write harmless: what became of attempts
// is recorded (recorder.ts) before it is let go (remover.ts), and a start is written down before anything is created for
// it (starter.ts). Decides nothing.
import {
  type Clock,
  type EventRecorder,
  isConflict,
  isInvalid,
  isNotFound,
  type KubeApi,
  keyOf,
  type Log,
} from "@dsl/kube-operator";
import { openStartText } from "../api/open-starts.ts";
import { type PooledTask, type PooledTaskStatus, pooledTasks } from "../api/pooled-task.ts";
import type { ResourcePoolStatus } from "../api/resource-pool.ts";
import { stopAttempt } from "../engine/engines.ts";
import { jobs } from "../engine/job.ts";
import type { JobView, RoundView } from "../engine/job-views.ts";
import { withoutOurFinalizer } from "../engine/release.ts";
import { attemptKey } from "../engine/views.ts";
import type { Plan, Stop, StopReason } from "../scheduling/index.ts";
import { learnedText } from "./learned-times.ts";
import type { Observed } from "./observe.ts";
import type { ObservedPool } from "./observed/pools.ts";
import type { ObservedTask } from "./observed/task.ts";
import { inParallel, inParallelWithin } from "./parallel.ts";
import { PoolLock, versionOf } from "./pool-lock.ts";
import { excludeNodeMs, type Recorded, Recorder } from "./recorder.ts";
import { refusalReason, refuse } from "./refusals.ts";
import { Remover } from "./remover.ts";
import { ignoring, isGone, Sender } from "./sender.ts";
import { Starter } from "./starter.ts";
import { poolEvents, taskEvents } from "./status-events.ts";
import type { WritableStores } from "./stores.ts";
import type { TaskMemories } from "./task-memory.ts";

/** Stops under way at once. */
const lanes = 32;
/** What is stopped for nobody's sake, as when its task is deleted, is so for so long at a time: there may be thousands. */
const stopForMs = 500;

export interface Outcome {
  /** What could not be written; the next reconcile plans anew. */
  readonly errors: readonly unknown[];
  /** Nothing of what the plan starts was written down. */
  readonly putOff: boolean;
  /** When what was put off is due. */
  readonly wakeAt?: number;
}

export interface ApplierOptions {
  readonly api: KubeApi;
  readonly stores: WritableStores;
  readonly memories: TaskMemories;
  readonly events: Pick<EventRecorder, "record">;
  readonly log: Log;
  /** Names this operator's time of leadership in each pool's status. */
  readonly term: string;
  readonly clock: Pick<Clock, "monotonic">;
}

export class Applier {
  readonly #api: KubeApi;
  readonly #stores: WritableStores;
  readonly #memories: TaskMemories;
  readonly #events: Pick<EventRecorder, "record">;
  readonly #log: Log;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #sender: Sender;
  readonly #lock: PoolLock;
  readonly #recorder: Recorder;
  readonly #starter: Starter;
  readonly #remover: Remover;

  constructor({ api, stores, memories, events, log, term, clock }: ApplierOptions) {
    this.#api = api;
    this.#stores = stores;
    this.#memories = memories;
    this.#events = events;
    this.#log = log;
    this.#clock = clock;
    this.#sender = new Sender(api, stores);
    this.#lock = new PoolLock(api, stores, term);
    this.#recorder = new Recorder(memories);
    this.#starter = new Starter({ api, stores, lock: this.#lock, sender: this.#sender, log, clock });
    this.#remover = new Remover({ api, stores, sender: this.#sender, clock });
  }

  /** Before the first plan of a root. Throws LeadershipLost. */
  claim(root: string): Promise<void> {
    return this.#lock.claim(root);
  }

  /** Of a pool that is gone. */
  forget(uid: string): void {
    this.#lock.forget(uid);
    this.#starter.forget(uid);
  }

  /** First of all: what became of attempts, and how shards are cut that the plan starts. */
  record(observed: Observed, plan: Plan, now: number): Promise<Recorded> {
    return this.#recorder.record(observed, plan, now);
  }

  /** All else of the plan. `begunAt`: when it began to be carried out, on the clock that tells no time of day. */
  async apply(observed: Observed, plan: Plan, now: number, begunAt: number): Promise<Outcome> {
    const released = await this.#remover.release(observed);
    const [forOthers, forNobody] = stopsOf(observed, plan);
    const stopped = await inParallel(forOthers, lanes, (stop) => this.#stop(stop, now));
    const within = { forMs: stopForMs, clock: this.#clock };
    const ended = await inParallelWithin(within, forNobody, lanes, (stop) => this.#stop(stop, now));
    const started = await this.#starter.start(observed, plan, now, begunAt);
    const removed = await this.#remover.remove(observed, now, started.busy);
    const moments = [started.wakeAt, removed.wakeAt].filter((moment) => moment !== undefined);
    if (!ended.isWhole) moments.push(now);
    return {
      putOff: started.putOff ?? false,
      errors: [...released, ...stopped, ...ended.errors, ...started.errors, ...removed.errors],
      ...(moments.length > 0 && { wakeAt: Math.min(...moments) }),
    };
  }

  async #stop({ task, shard, attempt, node, why, refusal }: TaskStop, now: number): Promise<void> {
    const key = attemptKey({ shard, attempt });
    const object = task.objects.get(key);
    if (object === undefined) return;
    const { memory } = task;
    memory?.stops.set(key, why);
    if (why === "NodeRefused") memory?.excludedNodes.set(node, now + excludeNodeMs);
    if (refusal !== undefined && memory !== undefined) refuse(memory, task, refusalReason(refusal), refusal, now);
    await this.#sender.send(stopAttempt(object));
  }

  /** Jobs whose task is gone: nobody asks for their outcome any more. */
  removeOrphans(attempts: readonly JobView[], rounds: readonly RoundView[]): Promise<readonly unknown[]> {
    return this.#remover.removeOrphans(attempts, rounds);
  }

  // ---- report

  /**
   * For the state that it was computed from, as that of a task. False where somebody was faster, and it has to be
   * computed anew. What the server takes for no status of a Job holds nobody up: the task's own word is what counts. Its
   * status endpoint takes finalizers too: what ends the Job may let it go.
   */
  async reportRound(
    round: RoundView,
    status: Readonly<Record<string, unknown>>,
    { release = false }: { readonly release?: boolean } = {},
  ): Promise<boolean> {
    const { namespace, name, uid, resourceVersion } = round.metadata;
    const operations = [
      { op: "test", path: "/metadata/uid", value: uid },
      { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion },
      { op: "add", path: "/status", value: status },
      ...(release ? withoutOurFinalizer(round) : []),
    ] as const;
    try {
      const patch = { type: "json", operations } as const;
      this.#stores.learnJob(await this.#api.patch(jobs, { namespace, name }, patch, { subresource: "status" }));
    } catch (error) {
      if (isConflict(error)) return false;
      if (!isNotFound(error) && !isInvalid(error)) throw error;
      if (isInvalid(error)) this.#log.warn({ job: name, namespace, message: error.message }, "status of a Job refused");
    }
    return true;
  }

  /** What the next status of the pool has to remember: the open starts, and what was learned of times. */
  queue(observed: Observed): { readonly openStarts: string[]; readonly learned?: string[] } {
    const openStarts = this.#starter.openStarts(observed).map(openStartText);
    const learned = observed.pool === undefined ? [] : learnedText(this.#memories.times.of(observed.pool.object));
    return { openStarts, ...(learned.length > 0 && { learned: [...learned] }) };
  }

  /** Of any pool of the tree; open starts and what was learned stand in the root's status alone. */
  async reportPool(observed: Observed, pool: ObservedPool, status: ResourcePoolStatus): Promise<void> {
    const queue = pool.object === observed.pool?.object ? this.queue(observed) : undefined;
    await ignoring(isGone, async () => {
      await this.#lock.write(pool.object, () => ({
        ...status,
        queue: { ...status.queue, ...queue },
      }));
      for (const event of poolEvents(pool.object.status, status)) this.#events.record(pool.object, event);
    });
    if (queue !== undefined) this.#starter.closed(observed.pool?.openStarts ?? [], queue.openStarts);
  }

  /** For the state that it was computed from and no other: a leader that was paused must not undo a later one's word. */
  async reportTask(task: PooledTask, status: PooledTaskStatus): Promise<void> {
    await ignoring(isGone, async () => {
      const operations = [
        { op: "test", path: "/metadata/uid", value: task.metadata.uid },
        versionOf(this.#starter.latest(task)),
        { op: "add", path: "/status", value: status },
      ] as const;
      this.#stores.learnTask(
        await this.#api.patch(pooledTasks, keyOf(task), { type: "json", operations }, { subresource: "status" }),
      );
      for (const event of taskEvents(task.status, status)) this.#events.record(task, event);
    });
  }
}

// ---- what is to be done, read from what was observed and planned

interface TaskStop {
  readonly task: ObservedTask;
  readonly shard: number;
  readonly attempt: number;
  readonly node: string;
  readonly why: StopReason;
  /** The task that is to have the place. */
  readonly for?: string;
  /** The words of the server, where it refused the Pod. */
  readonly refusal?: string;
}

/** Those that another task waits for, which go together, and the others. */
function stopsOf(observed: Observed, plan: Plan): readonly [readonly TaskStop[], readonly TaskStop[]] {
  const planned = plan.decisions
    .filter((decision): decision is Stop => decision.kind === "stop")
    .flatMap(({ task: key, ...stop }) => {
      const task = observed.byKey.get(key);
      return task === undefined ? [] : [{ ...stop, task }];
    });
  const refused = observed.going.flatMap((task) =>
    task.refused.map(({ message, ...attempt }) => ({ task, ...attempt, why: "Refused" as const, refusal: message })),
  );
  const isForOthers = (stop: TaskStop): boolean => stop.for !== undefined;
  return [planned.filter(isForOthers), [...refused, ...planned.filter((stop) => !isForOthers(stop))]];
}
