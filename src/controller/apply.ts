// The only writer. Carries a plan out in the order that makes a crash after any write harmless: what became of attempts
// is recorded before their Jobs are let go, and a start is written down before its Job is created. Decides nothing.
import {
  type ApiError,
  addFinalizer,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isInvalid,
  isNotFound,
  type KubeApi,
  type KubeObject,
  keyOf,
  type Log,
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
import { linesOf } from "./settle.ts";
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
  readonly log: Log;
  /** Names this operator's time of leadership in each pool's status. */
  readonly term: string;
}

export class Applier {
  readonly #api: KubeApi;
  readonly #stores: WritableStores;
  readonly #memories: TaskMemories;
  readonly #engine: Engine;
  readonly #log: Log;
  readonly #term: string;
  /** Roots whose status carries our term. */
  readonly #claimed = new Set<string>();
  /** Open starts that the server refused for good: `task uid/shard/attempt`. */
  readonly #dropped = new Set<string>();

  constructor({ api, stores, memories, engine, log, term }: ApplierOptions) {
    this.#api = api;
    this.#stores = stores;
    this.#memories = memories;
    this.#engine = engine;
    this.#log = log;
    this.#term = term;
  }

  async apply(observed: Observed, plan: Plan, now: number): Promise<Outcome> {
    const due = observed.tasks.filter(
      (task) => task.stage.kind !== "Deleting" && appendDueAt(task, this.#openBytes(observed)) <= now,
    );
    const errors = [
      ...(await inParallel(due, lanes, (task) => this.#record(task, now))),
      ...(await inParallel(this.#releasable(observed), lanes, (write) => this.#send(write))),
      ...(await inParallel(stopsOf(observed, plan), lanes, (stop) => this.#stop(stop, now))),
      ...(await this.#start(observed, plan, now)),
      ...(await inParallel(this.#surplus(observed), lanes, (job) => this.#deleteJob(job))),
      ...(await inParallel(observed.tasks, lanes, (task) => this.#cleanUp(task, now))),
    ];
    const putOff = observed.tasks
      .filter((task) => !due.includes(task) && hasLines(task))
      .map((task) => appendDueAt(task, this.#openBytes(observed)));
    return { errors, ...(putOff.length > 0 && { wakeAt: Math.min(...putOff) }) };
  }

  // ---- what became of attempts

  async #record(task: ObservedTask, now: number): Promise<void> {
    const { memory, spec } = task;
    const work = memory?.work;
    if (memory === undefined || work === undefined || spec === undefined || !hasLines(task)) return;
    const groups: (readonly RecordLine[])[] = [];
    if (task.retryRound !== undefined) groups.push([{ kind: "retry", round: task.retryRound }]);
    const limits = { startMs: spec.startTimeoutSeconds * 1000, resultBytes: bytesOf(spec.results.maxBytes) };
    for (const attempt of task.ended) {
      const runMs = runLimitMs(spec, attempt.items.length);
      const stopped = memory.stops.get(attemptKey(attempt));
      groups.push(linesOf(attempt, work.account, { ...limits, ...(runMs !== undefined && { runMs }) }, stopped));
    }
    memory.lastAppend = now;
    try {
      await work.log.append(withHeader(task, work, groups));
    } catch (error) {
      // Somebody else wrote there, or the answer was lost: what is stored decides.
      this.#memories.forget(memory.uid);
      throw error;
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
      const releasable = [...task.jobs].filter(([key, job]) =>
        task.stage.kind === "Deleting"
          ? ended.has(key)
          : task.stage.kind === "Finished" || account?.isRecorded(job.shard, job.attempt),
      );
      return releasable.flatMap(([, job]) => this.#engine.release(job) ?? []);
    });
  }

  /** Recorded Jobs beyond those that are kept for their logs. */
  #surplus(observed: Observed): readonly JobView[] {
    return observed.tasks.flatMap((task) => {
      const account = task.memory?.work?.account;
      if (task.stage.kind === "Deleting" || account === undefined) return [];
      const recorded = [...task.jobs.values()].filter((job) => account.isRecorded(job.shard, job.attempt));
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
      isLeaving(task) ? [] : task.open.map((start) => ({ task, start })),
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
      if (newer.length > 0 || !this.#claimed.has(observed.root)) {
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
    const patch = addFinalizer(this.#stores.tasks.get(keyOf(task.object)) ?? task.object, finalizers.cleanup);
    if (patch !== undefined) this.#stores.learnTask(await this.#api.patch(pooledTasks, keyOf(task.object), patch));
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
      const isSeen = this.#stores.jobs
        .byIndex("task", start.taskUid)
        .some((job) => attemptKey(job) === attemptKey(start));
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
    const key = keyOf(pool);
    const isOurs = this.#claimed.has(pool.metadata.name);
    // The first write of a leader rests on a live read: its cache may be older than the last write of the one before.
    let current = isOurs ? (this.#stores.pools.get(key) ?? pool) : await this.#api.get(resourcePools, key);
    for (let attempt = 1; ; attempt++) {
      const changed = change(current.status ?? {});
      const status = { ...changed, queue: { ...changed.queue, term: this.#term } };
      try {
        const operations = [
          { op: "test", path: "/metadata/uid", value: pool.metadata.uid },
          // Not a test: setting the version makes the server compare, and answer 409 where another was faster.
          { op: "replace", path: "/metadata/resourceVersion", value: current.metadata.resourceVersion },
          { op: "add", path: "/status", value: status },
        ] as const;
        const written = await this.#api.patch(
          resourcePools,
          key,
          { type: "json", operations },
          { subresource: "status" },
        );
        this.#claimed.add(pool.metadata.name);
        this.#stores.learnPool(written);
        return;
      } catch (error) {
        if (!isConflict(error) || attempt === 3) throw error;
        current = await this.#api.get(resourcePools, key);
        if (current.metadata.uid !== pool.metadata.uid) throw error;
        const holder = current.status?.queue?.term;
        if (isOurs && holder !== undefined && holder !== this.#term) throw new LeadershipLost(holder);
      }
    }
  }

  // ---- report

  async reportPool(observed: Observed, status: ResourcePoolStatus): Promise<void> {
    if (observed.pool === undefined) return;
    const openStarts = this.openStarts(observed);
    await ignoring(isGone, () =>
      this.#writePoolStatus((observed.pool as { object: ResourcePool }).object, (stored) => ({
        ...status,
        queue: { ...stored.queue, openStarts: [...openStarts] },
      })),
    );
    for (const key of this.#dropped) if (!openStarts.some((start) => openKey(start) === key)) this.#dropped.delete(key);
  }

  async reportTask(task: PooledTask, status: PooledTaskStatus): Promise<void> {
    await ignoring(isGone, async () => {
      const operations = [
        { op: "test", path: "/metadata/uid", value: task.metadata.uid },
        { op: "add", path: "/status", value: status },
      ] as const;
      this.#stores.learnTask(
        await this.#api.patch(pooledTasks, keyOf(task), { type: "json", operations }, { subresource: "status" }),
      );
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
      if (!job.deleting) await this.#send(this.#engine.stop(job));
      const release = this.#engine.release(job);
      if (release !== undefined) await this.#send(release);
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
  let last = task.memory?.work?.account.lastAttempt(shard) ?? 0;
  for (const job of task.jobs.values()) if (job.shard === shard) last = Math.max(last, job.attempt);
  const request: Quantities = openRequest(task.model?.request ?? {});
  return { namespace, task: name, taskUid: uid, shard, attempt: last + 1, node, request };
}

function openKey({ taskUid, shard, attempt }: OpenStart): string {
  return `${taskUid}/${shard}/${attempt}`;
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
  if (isForbidden(error)) return refusalReason(error.message);
  return isInvalid(error) ? "TemplateRefused" : undefined;
}

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
