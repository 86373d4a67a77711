// The only writer. Carries a plan out in the order that makes a crash after any write harmless: what became of attempts
// is recorded before their Jobs are let go, and a start is written down before its Job is created. Decides nothing.
import {
  ApiError,
  addFinalizer,
  type EventRecorder,
  isAlreadyExists,
  isConflict,
  isNotFound,
  type JsonPatchOperation,
  type KubeApi,
  type KubeObject,
  keyOf,
  type Log,
  listAll,
  type Manifest,
  type Resource,
  removeFinalizer,
} from "@dsl/kube-operator";
import type { Quantities } from "../api/amount.ts";
import { bytesOf } from "../api/amount.ts";
import { childName, finalizers, labels } from "../api/labels.ts";
import { type PooledTask, type PooledTaskStatus, pooledTasks } from "../api/pooled-task.ts";
import type { RecordLine } from "../api/records.ts";
import { type OpenStart, type ResourcePool, type ResourcePoolStatus, resourcePools } from "../api/resource-pool.ts";
import type { Engine, ExistingObject, Write } from "../engine/engine.ts";
import { jobs } from "../engine/job.ts";
import type { JobView } from "../engine/views.ts";
import type { Plan, Start, Stop, StopReason, TaskReason } from "../scheduling/index.ts";
import { attemptKey, expiryOf, type Observed, type ObservedTask, runLimitMs } from "./observe.ts";
import { openRequest } from "./open-starts.ts";
import { inParallel } from "./parallel.ts";
import { jobsBeyondRetention } from "./retention.ts";
import { linesOf, resultBytesIn } from "./settle.ts";
import { poolEvents, taskEvents } from "./status-events.ts";
import type { WritableStores } from "./stores.ts";
import { nameTaken, type TaskMemories, type TaskMemory, type Work } from "./task-memory.ts";

/** Requests under way at once, for one plan. */
const lanes = 32;
/** Starts written down at once: a status must stay small, and the next batch follows at once. */
const startsPerBatch = 200;
const openStartsMax = 1000;
/** One append a second and task; all open segments together are written at a megabyte a second, at most. */
const appendEveryMs = 1000;
const appendBytesPerSecond = 1_048_576;
/** A node that refused a shard of a task is left out for it so long. */
const excludeNodeMs = 60_000;

export interface Outcome {
  /** What could not be written; the next reconcile plans anew. */
  readonly errors: readonly unknown[];
  /** When what was put off is due. */
  readonly wakeAt?: number;
}

/** Another operator leads: this one must not write any more. */
export class LeadershipLost extends Error {
  constructor(holder: string) {
    super(`${holder} leads now`);
    this.name = "LeadershipLost";
  }
}

export interface ApplierOptions {
  readonly api: KubeApi;
  readonly stores: WritableStores;
  readonly memories: TaskMemories;
  readonly engine: Engine;
  readonly events: Pick<EventRecorder, "record">;
  readonly log: Log;
  /** Names this operator's time of leadership in each pool's status. */
  readonly term: string;
}

export class Applier {
  readonly #api: KubeApi;
  readonly #stores: WritableStores;
  readonly #memories: TaskMemories;
  readonly #engine: Engine;
  readonly #events: Pick<EventRecorder, "record">;
  readonly #log: Log;
  readonly #term: string;
  /** UIDs of the roots whose status carries our term. */
  readonly #claimed = new Set<string>();
  /** Tasks as our own last write before their status left them. */
  readonly #written = new WeakMap<PooledTask, PooledTask>();
  /** Open starts that the server refused for good: `task uid/shard/attempt`. */
  readonly #dropped = new Set<string>();

  constructor({ api, stores, memories, engine, events, log, term }: ApplierOptions) {
    this.#api = api;
    this.#stores = stores;
    this.#memories = memories;
    this.#engine = engine;
    this.#events = events;
    this.#log = log;
    this.#term = term;
  }

  /**
   * Before the first plan of a root: takes it over from whoever led before, and learns what was under way. The term is
   * written first, so that what the former leader still decides fails; only then are its Jobs listed, live, since our
   * own copy may be older than its last writes.
   */
  async claim(root: string): Promise<void> {
    const cached = this.#stores.pools.get({ name: root });
    if (cached === undefined) return;
    if (this.#claimed.has(cached.metadata.uid)) return this.#checkTerm(cached);
    await ignoring(isNotFound, async () => {
      const pool = await this.#api.get(resourcePools, { name: root });
      await this.#patchPoolStatus(pool, pool.status ?? {});
      const labelSelector = `${labels.pool}=${root}`;
      for (const job of (await listAll(this.#api, jobs, { labelSelector })).items) this.#stores.learnJob(job);
      this.#claimed.add(pool.metadata.uid);
    });
  }

  async apply(observed: Observed, plan: Plan, now: number): Promise<Outcome> {
    const openBytes = this.#openBytes(observed);
    const due = observed.tasks.filter((task) => task.stage.kind !== "Deleting" && appendDueAt(task, openBytes) <= now);
    const errors = [
      ...(await inParallel(due, lanes, (task) => this.#record(task, now))),
      ...(await inParallel(this.#releasable(observed), lanes, (write) => this.#send(write))),
      ...(await inParallel(stopsOf(observed, plan), lanes, (stop) => this.#stop(stop, now))),
      ...(await this.#start(observed, plan, now)),
      ...(await inParallel(this.#surplus(observed), lanes, (job) => this.#deleteJob(job))),
      ...(await inParallel(observed.tasks, lanes, (task) => this.#cleanUp(task, now))),
    ];
    const putOff = observed.tasks
      // What is being deleted records nothing any more.
      .filter((task) => !due.includes(task) && hasLines(task) && task.stage.kind !== "Deleting")
      .map((task) => appendDueAt(task, openBytes));
    return { errors, ...(putOff.length > 0 && { wakeAt: Math.min(...putOff) }) };
  }

  // ---- what became of attempts

  async #record(task: ObservedTask, now: number): Promise<void> {
    const { memory, spec } = task;
    const work = memory?.work;
    if (memory === undefined || work === undefined || spec === undefined || !hasLines(task)) return;
    const groups: (readonly RecordLine[])[] = [];
    if (task.retryRound !== undefined) groups.push([{ kind: "retry", round: task.retryRound }]);
    const startMs = spec.startTimeoutSeconds * 1000;
    let resultBytesLeft = bytesOf(spec.results.maxBytes) - work.account.resultBytes;
    for (const attempt of task.ended) {
      const runMs = runLimitMs(spec, attempt.items.length);
      const limits = { startMs, resultBytesLeft, ...(runMs !== undefined && { runMs }) };
      const lines = linesOf(attempt, work.account, limits, memory.stops.get(attemptKey(attempt)));
      resultBytesLeft -= resultBytesIn(lines);
      groups.push(lines);
    }
    memory.lastAppend = now;
    try {
      await work.log.append(withHeader(task, work, groups));
    } catch (error) {
      const reason = whyRefused(error);
      if (reason === undefined) {
        // Somebody else wrote there, or the answer was lost: what is stored decides.
        this.#memories.forget(memory.uid);
        throw error;
      }
      // Nothing more starts whose outcome could not be written down.
      refuse(memory, task, reason, `the records cannot be written: ${(error as ApiError).message}`, now);
      if (memory.refusal !== undefined) {
        memory.refusal = { ...memory.refusal, ceiling: 0 };
        memory.lastAppend = memory.refusal.until;
      }
      return;
    }
    for (const line of groups.flat()) work.account.apply(line);
    work.account.digest ??= work.items.digest;
    for (const attempt of task.ended) memory.stops.delete(attemptKey(attempt));
  }

  #openBytes(observed: Observed): number {
    return observed.tasks.reduce((sum, { memory }) => sum + (memory?.work?.log.openBytes ?? 0), 0);
  }

  /** Lets go the Jobs whose outcome is recorded, and those of tasks that are being deleted. */
  #releasable(observed: Observed): readonly Write[] {
    return observed.tasks.flatMap((task) => {
      const account = task.memory?.work?.account;
      const ended = new Set(task.ended.map(attemptKey));
      const releasable = [...task.jobs].filter(
        ([key, job]) =>
          task.stage.kind === "Finished" ||
          account?.isRecorded(job.shard, job.attempt) ||
          (task.stage.kind === "Deleting" && ended.has(key)),
      );
      return releasable.flatMap(([, job]) => this.#engine.release(job) ?? []);
    });
  }

  /** Recorded Jobs beyond those that are kept for their logs. */
  #surplus(observed: Observed): readonly JobView[] {
    return observed.tasks.flatMap((task) => {
      const { stage } = task;
      if (stage.kind === "Deleting") return [];
      const account = task.memory?.work?.account;
      const recorded = [...task.jobs.values()].filter(
        (job) => stage.kind === "Finished" || account?.isRecorded(job.shard, job.attempt),
      );
      return jobsBeyondRetention(recorded);
    });
  }

  async #deleteJob(job: JobView): Promise<void> {
    const key = keyOf(job);
    await ignoring(isGone, async () => {
      const left = await this.#api.delete(jobs, key, { uid: job.metadata.uid, propagation: "Background" });
      if (left === undefined) this.#stores.forgetJob(job);
      else this.#stores.learnJob(left);
    });
  }

  async #send(write: Write): Promise<void> {
    await ignoring(isGone, async () => {
      switch (write.kind) {
        case "create":
          return this.#stores.learnJob(await this.#api.create(write.resource, write.manifest));
        case "patch":
          return this.#stores.learnJob(await this.#api.patch(write.resource, write.key, write.patch));
        case "delete": {
          const left = await this.#api.delete(write.resource, write.key, {
            uid: write.uid,
            propagation: write.propagation,
          });
          if (left !== undefined) this.#stores.learnJob(left);
        }
      }
    });
  }

  // ---- stops

  async #stop({ task, shard, attempt, node, why, refusal }: TaskStop, now: number): Promise<void> {
    const job = task.jobs.get(attemptKey({ shard, attempt }));
    if (job === undefined) return;
    const { memory } = task;
    memory?.stops.set(attemptKey(job), why);
    if (why === "NodeRefused") memory?.excludedNodes.set(node, now + excludeNodeMs);
    if (refusal !== undefined && memory !== undefined) refuse(memory, task, refusalReason(refusal), refusal, now);
    await this.#send(this.#engine.stop(job));
  }

  // ---- starts

  async #start(observed: Observed, plan: Plan, now: number): Promise<readonly unknown[]> {
    const { pool } = observed;
    if (pool === undefined) return [];
    const tasks = new Map(observed.tasks.map((task) => [task.key, task]));
    const older = observed.tasks.flatMap((task) =>
      isLeaving(task)
        ? []
        : task.open.filter((start) => !this.#dropped.has(openKey(start))).map((start) => ({ task, start })),
    );
    const room = Math.min(startsPerBatch, openStartsMax - older.length);
    const starts = plan.decisions
      .filter((decision): decision is Start => decision.kind === "start")
      .slice(0, Math.max(0, room));
    const newer = starts.flatMap((decision) => {
      const task = tasks.get(decision.task);
      return task?.model === undefined ? [] : [{ task, start: openStartOf(task, decision) }];
    });
    const all = [...older, ...newer];
    if (all.length === 0) return [];
    try {
      await inParallelOrThrow([...new Set(newer.map(({ task }) => task))], (task) => this.#hold(task));
      if (newer.length > 0) {
        await this.#writeOpenStarts(
          pool.object,
          all.map(({ start }) => start),
        );
      }
    } catch (error) {
      // Nothing is created that is not written down.
      return [error];
    }
    return inParallel(all, lanes, ({ task, start }) => this.#create(task, start, now));
  }

  /** The task stays until its Jobs are gone. */
  async #hold(task: ObservedTask): Promise<void> {
    const patch = addFinalizer(task.object, finalizers.cleanup);
    if (patch === undefined) return;
    const held = await this.#api.patch(pooledTasks, keyOf(task.object), patch);
    this.#written.set(task.object, held);
    this.#stores.learnTask(held);
  }

  async #create(task: ObservedTask, start: OpenStart, now: number): Promise<void> {
    const { memory, object, spec } = task;
    const work = memory?.work;
    if (work === undefined || spec === undefined || memory === undefined) return;
    const items = work.account.openItems(start.shard);
    if (items.length === 0) return;
    const write = this.#engine.start(
      { task: object, child: childName(object), pool: spec.poolRef.name, defaultRequests: task.defaultRequests },
      {
        shard: start.shard,
        attempt: start.attempt,
        node: start.node,
        items: items.map((index) => ({ index, text: work.items.at(index), axes: work.items.axes(index) })),
      },
    );
    if (write.kind !== "create") return;
    try {
      this.#stores.learnJob(await this.#api.create(write.resource, write.manifest));
    } catch (error) {
      if (isAlreadyExists(error)) return this.#meet(task, start, write.resource, write.manifest, now);
      const reason = whyRefused(error);
      if (reason === undefined) throw error;
      this.#dropped.add(openKey(start));
      refuse(memory, task, reason, (error as ApiError).message, now);
      this.#log.info(
        { task: task.key, shard: start.shard, reason, message: (error as ApiError).message },
        "start refused",
      );
    }
  }

  /** The name is there already: most often our own create, whose answer was lost. */
  async #meet(
    task: ObservedTask,
    start: OpenStart,
    resource: Resource,
    manifest: Manifest,
    now: number,
  ): Promise<void> {
    const found = (await this.#api.get(resource, manifest.metadata)) as ExistingObject;
    switch (this.#engine.existing(found, manifest)) {
      case "Same":
      case "Altered":
        return this.#stores.learnJob(found);
      case "Earlier":
        await this.#api.delete(resource, keyOf(found), { uid: found.metadata.uid, propagation: "Background" });
        return;
      case "Foreign":
        this.#dropped.add(openKey(start));
        if (task.memory !== undefined)
          refuse(task.memory, task, "NameTaken", nameTaken(`Job ${found.metadata.name}`).message, now);
    }
  }

  // ---- the pool's status

  /** Open starts whose Job has not been seen: those that the next status has to carry. */
  openStarts(observed: Observed): readonly OpenStart[] {
    const object = observed.pool && this.#stores.pools.get(keyOf(observed.pool.object));
    const tasks = new Map(observed.tasks.map((task) => [task.object.metadata.uid, task]));
    return (object?.status?.queue?.openStarts ?? []).filter((start) => {
      const task = tasks.get(start.taskUid);
      if (task === undefined || isLeaving(task) || this.#dropped.has(openKey(start))) return false;
      const isSeen = this.#stores.jobs.countBy("attempt", openKey(start)) > 0;
      return !isSeen && !task.memory?.work?.account.isRecorded(start.shard, start.attempt);
    });
  }

  async #writeOpenStarts(pool: ResourcePool, openStarts: readonly OpenStart[]): Promise<void> {
    await this.#writePoolStatus(pool, (status) => ({
      ...status,
      queue: { ...status.queue, openStarts: [...openStarts] },
    }));
  }

  /** Compare and swap, under our term; a pool that another operator claimed since ends our leadership. */
  async #writePoolStatus(
    pool: ResourcePool,
    change: (status: ResourcePoolStatus) => ResourcePoolStatus,
  ): Promise<void> {
    let current = this.#stores.pools.get(keyOf(pool)) ?? pool;
    for (let attempt = 1; ; attempt++) {
      this.#checkTerm(current);
      try {
        return await this.#patchPoolStatus(current, change(current.status ?? {}));
      } catch (error) {
        if (!isConflict(error) || attempt === 3) throw error;
        current = await this.#api.get(resourcePools, keyOf(pool));
        if (current.metadata.uid !== pool.metadata.uid) throw error;
      }
    }
  }

  /** The watch may have brought another's claim already: then writing over it would be no conflict. */
  #checkTerm({ status }: ResourcePool): void {
    const holder = status?.queue?.term;
    if (holder !== undefined && holder !== this.#term) throw new LeadershipLost(holder);
  }

  async #patchPoolStatus(pool: ResourcePool, status: ResourcePoolStatus): Promise<void> {
    const operations = [
      { op: "test", path: "/metadata/uid", value: pool.metadata.uid },
      versionOf(pool),
      { op: "add", path: "/status", value: { ...status, queue: { ...status.queue, term: this.#term } } },
    ] as const;
    this.#stores.learnPool(
      await this.#api.patch(resourcePools, keyOf(pool), { type: "json", operations }, { subresource: "status" }),
    );
  }

  // ---- report

  async reportPool(observed: Observed, status: ResourcePoolStatus): Promise<void> {
    if (observed.pool === undefined) return;
    const openStarts = this.openStarts(observed);
    const { pool } = observed;
    await ignoring(isGone, async () => {
      await this.#writePoolStatus(pool.object, (stored) => ({
        ...status,
        queue: { ...stored.queue, openStarts: [...openStarts] },
      }));
      for (const event of poolEvents(pool.object.status, status)) this.#events.record(pool.object, event);
    });
    const stillOpen = new Set(openStarts.map(openKey));
    for (const start of pool.openStarts) if (!stillOpen.has(openKey(start))) this.#dropped.delete(openKey(start));
  }

  /** For the state that it was computed from and no other: a leader that was paused must not undo a later one's word. */
  async reportTask(task: PooledTask, status: PooledTaskStatus): Promise<void> {
    await ignoring(isGone, async () => {
      const operations = [
        { op: "test", path: "/metadata/uid", value: task.metadata.uid },
        versionOf(this.#written.get(task) ?? task),
        { op: "add", path: "/status", value: status },
      ] as const;
      this.#stores.learnTask(
        await this.#api.patch(pooledTasks, keyOf(task), { type: "json", operations }, { subresource: "status" }),
      );
      for (const event of taskEvents(task.status, status)) this.#events.record(task, event);
    });
  }

  // ---- the end

  async #cleanUp(task: ObservedTask, now: number): Promise<void> {
    const { object, spec, stage } = task;
    if (stage.kind === "Deleting") return this.#letGo(task);
    const expiry = spec && expiryOf(object, spec);
    if (expiry !== undefined && now >= expiry) {
      await ignoring(isGone, async () => {
        const left = await this.#api.delete(pooledTasks, keyOf(object), {
          uid: object.metadata.uid,
          // Somebody may be raising the time, or asking for its failed items again.
          resourceVersion: object.metadata.resourceVersion,
          propagation: "Background",
        });
        if (left !== undefined) this.#stores.learnTask(left);
      });
    }
  }

  /** The task may go once no Job of it is left, by a live list: the cache may not know of the last one yet. */
  async #letGo(task: ObservedTask): Promise<void> {
    if (task.active.length > 0 || task.jobs.size > 0) return this.#deleteAll(task);
    const { object } = task;
    const patch = removeFinalizer(object, finalizers.cleanup);
    if (patch === undefined) return;
    const page = await this.#api.list(jobs, {
      namespace: object.metadata.namespace ?? "",
      labelSelector: `${labels.taskUid}=${object.metadata.uid}`,
      limit: 500,
    });
    if (page.items.length > 0) {
      for (const job of page.items) this.#stores.learnJob(job);
      return;
    }
    await ignoring(isGone, async () => {
      const left: KubeObject = await this.#api.patch(pooledTasks, keyOf(object), patch);
      if ((left.metadata.finalizers ?? []).length === 0) this.#stores.forgetTask(object);
    });
  }

  async #deleteAll({ jobs: all }: ObservedTask): Promise<void> {
    for (const job of all.values()) if (!job.deleting) await this.#send(this.#engine.stop(job));
  }

  /** Jobs whose task is gone: nobody asks for their outcome any more. */
  async removeOrphans(orphans: readonly JobView[]): Promise<readonly unknown[]> {
    return inParallel(orphans, lanes, async (job) => {
      if (await this.#hasTask(job)) return;
      if (!job.deleting) await this.#send(this.#engine.stop(job));
      const release = this.#engine.release(job);
      if (release !== undefined) await this.#send(release);
    });
  }

  /** Live: our copy may not know the task yet. */
  async #hasTask({ metadata: { namespace }, taskName, task }: JobView): Promise<boolean> {
    try {
      return (await this.#api.get(pooledTasks, { namespace, name: taskName })).metadata.uid === task;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}

// ---- what is to be done, read from what was observed and planned

/** Not a test: setting the version makes the server compare, and answer 409 where another was faster. */
function versionOf({ metadata }: KubeObject): JsonPatchOperation {
  return { op: "replace", path: "/metadata/resourceVersion", value: metadata.resourceVersion };
}

interface TaskStop {
  readonly task: ObservedTask;
  readonly shard: number;
  readonly attempt: number;
  readonly node: string;
  readonly why: StopReason;
  /** The words of the server, where it refused the Pod. */
  readonly refusal?: string;
}

function stopsOf(observed: Observed, plan: Plan): readonly TaskStop[] {
  const tasks = new Map(observed.tasks.map((task) => [task.key, task]));
  const planned = plan.decisions
    .filter((decision): decision is Stop => decision.kind === "stop")
    .flatMap(({ task: key, ...stop }) => {
      const task = tasks.get(key);
      return task === undefined ? [] : [{ ...stop, task }];
    });
  const refused = observed.tasks.flatMap((task) =>
    task.refused.map(({ message, ...attempt }) => ({ task, ...attempt, why: "Refused" as const, refusal: message })),
  );
  return [...planned, ...refused];
}

function hasLines({ ended, retryRound }: ObservedTask): boolean {
  return ended.length > 0 || retryRound !== undefined;
}

function appendDueAt({ memory }: ObservedTask, openBytes: number): number {
  return (memory?.lastAppend ?? 0) + Math.max(appendEveryMs, (openBytes / appendBytesPerSecond) * 1000);
}

/** Segment 0 begins with what the numbers of all further lines mean. */
function withHeader(
  task: ObservedTask,
  { log, items, account }: Work,
  groups: readonly (readonly RecordLine[])[],
): readonly (readonly RecordLine[])[] {
  if (!log.isEmpty) return groups;
  const header: RecordLine = {
    kind: "header",
    task: task.object.metadata.uid,
    items: items.count,
    chunk: account.shape.chunk,
    digest: items.digest,
  };
  return [[header], ...groups];
}

function openStartOf(task: ObservedTask, { shard, node }: Start): OpenStart {
  const { name, namespace = "", uid } = task.object.metadata;
  let attempt = (task.memory?.work?.account.lastAttempt(shard) ?? 0) + 1;
  while (task.jobs.has(attemptKey({ shard, attempt }))) attempt++;
  const request: Quantities = openRequest(task.model?.request ?? {});
  return { namespace, task: name, taskUid: uid, shard, attempt, node, request };
}

function openKey({ namespace, taskUid, shard, attempt }: OpenStart): string {
  return `${namespace}/${taskUid}/${shard}/${attempt}`;
}

function isLeaving({ stage }: ObservedTask): boolean {
  return stage.kind === "Deleting" || stage.kind === "Finished";
}

function refuse(memory: TaskMemory, task: ObservedTask, reason: TaskReason, message: string, now: number): void {
  const known = memory.refusal;
  // The shards of one batch are refused together: that is one refusal.
  const count = known === undefined ? 1 : now < known.until ? known.count : known.count + 1;
  const ceiling = task.active.filter(({ pod }) => pod !== undefined).length;
  memory.refusal = {
    reason,
    message,
    ceiling,
    count,
    until: now + Math.min(300_000, 10_000 * 2 ** Math.min(count - 1, 5)),
  };
}

function refusalReason(message: string): TaskReason {
  return message.includes("exceeded quota") || message.includes("failed quota") ? "QuotaRefused" : "AdmissionRefused";
}

/** The reason of an answer that will not change by asking again at once; undefined for a passing fault. */
function whyRefused(error: unknown): TaskReason | undefined {
  if (!(error instanceof ApiError)) return undefined;
  const { code } = error.status;
  if (code < 400 || code >= 500 || passing.has(code)) return undefined;
  // A webhook may deny with any code of this kind; 422 without its words is the server's own validation.
  return code === 422 && !error.message.includes("denied the request")
    ? "TemplateRefused"
    : refusalReason(error.message);
}

/** Of the client's errors, those that another login, another moment or another look may mend. */
const passing: ReadonlySet<number> = new Set([401, 404, 408, 409, 429]);

function isGone(error: unknown): boolean {
  return isNotFound(error) || isConflict(error);
}

/** Somebody was faster: the next reconcile sees what is there now. */
async function ignoring(isExpected: (error: unknown) => boolean, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isExpected(error)) throw error;
  }
}

async function inParallelOrThrow<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const [error] = await inParallel(items, lanes, work);
  if (error !== undefined) throw error;
}
