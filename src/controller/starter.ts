// Carries out the starts of a plan: each is written into the pool's status before anything is created for it, and stays
// there until that has been seen. Does not know why a shard starts.
import {
  type ApiError,
  addFinalizer,
  isAlreadyExists,
  type KubeApi,
  keyOf,
  type Log,
  type Manifest,
  type Resource,
} from "@dsl/kube-operator";
import type { Quantities } from "../api/amount.ts";
import { childName, finalizers } from "../api/labels.ts";
import { type PooledTask, pooledTasks } from "../api/pooled-task.ts";
import type { OpenStart } from "../api/resource-pool.ts";
import type { Engine, ExistingObject } from "../engine/engine.ts";
import type { Plan, Start } from "../scheduling/index.ts";
import { attemptKey, type Observed, type ObservedTask } from "./observe.ts";
import { openRequest } from "./open-starts.ts";
import { inParallel } from "./parallel.ts";
import type { PoolLock } from "./pool-lock.ts";
import { refuse, whyRefused } from "./refusals.ts";
import type { WritableStores } from "./stores.ts";
import { nameTaken } from "./task-memory.ts";

/** Creates under way at once. */
const lanes = 32;
/** Starts written down at once: a status must stay small, and the next batch follows at once. */
const startsPerBatch = 200;
const openStartsMax = 1000;

export interface StarterOptions {
  readonly api: KubeApi;
  readonly stores: WritableStores;
  readonly engine: Engine;
  readonly lock: PoolLock;
  readonly log: Log;
}

export class Starter {
  readonly #api: KubeApi;
  readonly #stores: WritableStores;
  readonly #engine: Engine;
  readonly #lock: PoolLock;
  readonly #log: Log;
  /** Tasks as our own last write before their status left them. */
  readonly #written = new WeakMap<PooledTask, PooledTask>();
  /** Open starts that the server refused for good: `task uid/shard/attempt`. */
  readonly #dropped = new Set<string>();

  constructor({ api, stores, engine, lock, log }: StarterOptions) {
    this.#api = api;
    this.#stores = stores;
    this.#engine = engine;
    this.#lock = lock;
    this.#log = log;
  }

  async start(observed: Observed, plan: Plan, now: number): Promise<readonly unknown[]> {
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
        await this.#lock.writeOpenStarts(
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

  /** The task as our own last write left it. */
  latest(task: PooledTask): PooledTask {
    return this.#written.get(task) ?? task;
  }

  /** The pool's status does not carry all of the former ones any more. */
  closed(former: readonly OpenStart[], stillOpen: readonly OpenStart[]): void {
    const open = new Set(stillOpen.map(openKey));
    for (const start of former) if (!open.has(openKey(start))) this.#dropped.delete(openKey(start));
  }
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

async function inParallelOrThrow<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const [error] = await inParallel(items, lanes, work);
  if (error !== undefined) throw error;
}
