// Carries out the starts of a plan: each is written into the pool's status before anything is created for it, and stays
// there until that has been seen. Does not know why a shard starts.
import {
  type ApiError,
  addFinalizer,
  type Clock,
  dropManagedFields,
  isAlreadyExists,
  type KubeApi,
  keyOf,
  keyText,
  type Log,
} from "@dsl/kube-operator";
import type { Quantities } from "../api/amount.ts";
import { gangMax } from "../api/chunks.ts";
import { childName, finalizers } from "../api/labels.ts";
import { type OpenStart, openStartText } from "../api/open-starts.ts";
import { type PooledTask, pooledTasks } from "../api/pooled-task.ts";
import type { ExistingObject, TaskContext, Write } from "../engine/engine.ts";
import { engines } from "../engine/engines.ts";
import { jobs, managedBy } from "../engine/job.ts";
import type { RoundView } from "../engine/job-views.ts";
import { attemptKey } from "../engine/views.ts";
import type { Plan, Start } from "../scheduling/index.ts";
import { tolerationOf } from "./engine-choice.ts";
import type { Observed } from "./observe.ts";
import { type ObservedRoot, poolFactsOf } from "./observed/pools.ts";
import { openStartsIn } from "./observed/specs.ts";
import type { ObservedTask } from "./observed/task.ts";
import { openRequest } from "./open-starts.ts";
import { inParallelWithin } from "./parallel.ts";
import type { PoolLock } from "./pool-lock.ts";
import { lacksRight, refusalText, refuse, whyRefused } from "./refusals.ts";
import type { Sender } from "./sender.ts";
import { attemptIndexKey, type WritableStores } from "./stores.ts";
import { nameTaken } from "./task-memory.ts";

/** Creates under way at once. */
const lanes = 32;
/** Starts written down at once: a status must stay small, and the next batch follows at once. */
const startsPerBatch = 200;
const openStartsMax = gangMax;
/** While some of the former are still to be created, fewer follow, though not none: they may be stuck. */
const startsPerBatchLeast = 50;
/** None while there are so many, and the last creates went well: each write that opens starts carries all of them. */
const openStartsEnough = 100;
/** Creates go on until so long after the plan; then what has ended meanwhile is recorded and told, before others follow. */
const createUntilMs = 800;
/** Where all else took longer, so long all the same. */
const createForMsLeast = 250;
/** A few starts wait so long for others to come along: the write that opens them costs the same for all. */
const gatherMs = 50;
const enough = 32;

export interface Started {
  readonly errors: readonly unknown[];
  /** Something was started, or tried. */
  readonly busy: boolean;
  /** Starts of the plan were not even written down: the next plan decides about them anew. */
  readonly putOff?: true;
  /** When what was put off is due. */
  readonly wakeAt?: number;
}

const unmanaged =
  "the cluster does not know spec.managedBy of Jobs (Kubernetes 1.35, or JobManagedBy switched on); let the operator run with KUBE_POOL_ENGINE=Native";

type Create = Extract<Write, { readonly kind: "create" }>;

/** What the Pods of a task stand on. */
interface Base {
  /** The Job that they share; undefined under an engine that needs none. */
  readonly round: RoundView | undefined;
}

export interface StarterOptions {
  readonly api: KubeApi;
  readonly stores: WritableStores;
  readonly lock: PoolLock;
  readonly sender: Sender;
  readonly log: Log;
  readonly clock: Pick<Clock, "monotonic">;
}

export class Starter {
  readonly #api: KubeApi;
  readonly #stores: WritableStores;
  readonly #lock: PoolLock;
  readonly #sender: Sender;
  readonly #log: Log;
  readonly #clock: Pick<Clock, "monotonic">;
  /** Tasks as our own last write before their status left them. */
  readonly #written = new WeakMap<PooledTask, PooledTask>();
  /** By the pool's uid: when starts were last written into its status. */
  readonly #openedAt = new Map<string, number>();
  /** By the pool's uid: whether anything was created when there was last something to create. */
  readonly #creates = new Map<string, boolean>();
  /** Open starts that the server refused for good, by `openKey`. */
  readonly #dropped = new Set<string>();

  constructor({ api, stores, lock, sender, log, clock }: StarterOptions) {
    this.#api = api;
    this.#stores = stores;
    this.#lock = lock;
    this.#sender = sender;
    this.#log = log;
    this.#clock = clock;
  }

  /** `begunAt`: when the plan began to be carried out, on the clock that tells no time of day. */
  async start(observed: Observed, plan: Plan, now: number, begunAt: number): Promise<Started> {
    const { pool } = observed;
    if (pool === undefined) return { errors: [], busy: false };
    const older = observed.going.flatMap((task) =>
      task.open.length === 0 || isLeaving(task) || task.memory?.work === undefined
        ? []
        : task.open.filter((start) => !this.#dropped.has(openKey(start))).map((start) => ({ task, start })),
    );
    const carried = this.openStarts(observed);
    const { uid } = pool.object.metadata;
    // A shard whose cut could not be recorded yet waits for it.
    const planned = plan.decisions.filter(
      (decision): decision is Start =>
        decision.kind === "start" &&
        decision.shard < (observed.byKey.get(decision.task)?.memory?.work?.account.shards ?? 0),
    );
    const starts = nextBatch(
      planned,
      (key) => gangOf(observed.byKey.get(key)),
      openStartsMax - carried.length,
      batchSize(older.length, this.#creates.get(uid) === true),
    );
    const newer = starts.flatMap((decision) => {
      const task = observed.byKey.get(decision.task);
      return task?.model === undefined ? [] : [{ task, start: openStartOf(task, decision) }];
    });
    const all = [...older, ...newer];
    if (all.length === 0) return { errors: [], busy: false };
    const gathered = (this.#openedAt.get(uid) ?? 0) + gatherMs;
    if (older.length === 0 && newer.length < enough && now < gathered) {
      return { errors: [], busy: true, putOff: true, wakeAt: gathered };
    }
    const errors: unknown[] = [];
    let opened: Promise<boolean> = Promise.resolve(true);
    if (newer.length > 0) {
      this.#openedAt.set(uid, now);
      // One that was refused before may have the same number now: it is open anew.
      for (const { start } of newer) this.#dropped.delete(openKey(start));
      const opening = this.#lock.writeOpenStarts(pool.object, [...carried, ...newer.map(({ start }) => start)]);
      opened = opening.then(
        () => true,
        (error: unknown) => {
          errors.push(error);
          return false;
        },
      );
    }
    const byTask = Map.groupBy(all, ({ task }) => task);
    const bases = new Map<ObservedTask, Promise<Base | undefined>>();
    /** Once a task, however many of its shards start; a failure counts once, too. */
    const baseOf = (task: ObservedTask): Promise<Base | undefined> => {
      const known = bases.get(task);
      if (known !== undefined) return known;
      const ofTask = (byTask.get(task) ?? []).map(({ start }) => start);
      const base = this.#prepare(task, contextOf(task, pool), ofTask, opened, now).catch((error: unknown) => {
        errors.push(error);
        return undefined;
      });
      bases.set(task, base);
      return base;
    };
    const left = begunAt + createUntilMs - this.#clock.monotonic();
    const within = { forMs: Math.max(createForMsLeast, left), clock: this.#clock };
    let count = 0;
    const created = await inParallelWithin(within, all, lanes, async ({ task, start }) => {
      const base = await baseOf(task);
      if (base === undefined) return;
      await this.#create(task, start, contextOf(task, pool), base.round, now);
      count += 1;
    });
    // Nothing is created that is not written down.
    if (!(await opened)) return { errors, busy: true, putOff: true };
    this.#creates.set(uid, count > 0);
    errors.push(...created.errors);
    const putOff = newer.length === 0 && planned.length > 0;
    return { errors, busy: true, ...(putOff && { putOff }), ...((putOff || !created.isWhole) && { wakeAt: now }) };
  }

  /** What has to be there before a Pod of the task. Undefined where nothing of it can be created now. */
  async #prepare(
    task: ObservedTask,
    context: TaskContext,
    starts: readonly OpenStart[],
    opened: Promise<boolean>,
    now: number,
  ): Promise<Base | undefined> {
    // Neither of these two waits for the other; all else waits for both.
    const [isOpen] = await Promise.all([opened, this.#hold(task)]);
    if (!isOpen) return undefined;
    if (!needsRound(task)) return { round: undefined };
    const round = await this.#openRound(task, context, starts, now);
    return round && { round };
  }

  /** The Job that the task's attempts share now. Undefined while there is none: what is open is tried again. */
  async #openRound(
    task: ObservedTask,
    context: TaskContext,
    starts: readonly OpenStart[],
    now: number,
  ): Promise<RoundView | undefined> {
    const shards = task.memory?.work?.account.shards ?? 0;
    const current = task.rounds.find(({ finished }) => finished === undefined);
    // What somebody deletes is let go once its attempts are recorded; then there is room for the next.
    if (current?.deleting) return undefined;
    if (current !== undefined) {
      if (current.completions < shards) await this.#sender.send(growth(current, shards));
      return current;
    }
    const { binding, reason } = task.engine;
    const number = (task.rounds.at(-1)?.round ?? -1) + 1;
    const write = engines[task.engine.name].openRound?.(context, { number, shards, binding, reason });
    if (write?.kind !== "create") return undefined;
    await this.#createOrMeet(task, write, starts, now);
    const { name, namespace = "" } = write.manifest.metadata;
    const round = this.#stores.rounds.get({ namespace, name });
    if (round === undefined || round.deleting || round.finished !== undefined) return undefined;
    if (round.managedBy === managedBy) return round;
    // Kubernetes' own Job controller would run it, and knows nothing of shards.
    const { uid } = round.metadata;
    await this.#sender.send({
      kind: "delete",
      resource: jobs,
      key: { namespace, name },
      uid,
      propagation: "Background",
    });
    this.#drop(starts);
    if (task.memory !== undefined) refuse(task.memory, task, "AdmissionRefused", unmanaged, now);
    return undefined;
  }

  /** The task stays until its Jobs are gone. The one write of its metadata also makes all later ones of its status cheap. */
  async #hold(task: ObservedTask): Promise<void> {
    const patch = addFinalizer(task.object, finalizers.cleanup);
    if (patch === undefined) return;
    const operations = [...patch.operations, ...dropManagedFields(task.object)];
    const held = await this.#api.patch(pooledTasks, keyOf(task.object), { ...patch, operations });
    this.#written.set(task.object, held);
    this.#stores.learnTask(held);
    if (task.memory !== undefined) task.memory.isUnasked = false;
  }

  async #create(
    task: ObservedTask,
    start: OpenStart,
    context: TaskContext,
    round: RoundView | undefined,
    now: number,
  ): Promise<void> {
    const work = task.memory?.work;
    if (work === undefined) return;
    const items = work.account.openItems(start.shard);
    if (items.length === 0) return;
    const placement = {
      shard: start.shard,
      attempt: start.attempt,
      node: start.node,
      bound: task.engine.binding === "Direct",
      items: items.map((index) => ({ index, text: work.items.at(index), axes: work.items.axes(index) })),
    };
    const write = engines[task.engine.name].start(context, placement, round);
    if (write.kind === "create") await this.#createOrMeet(task, write, [start], now);
  }

  /** What the server refuses for good ends the starts that needed it. */
  async #createOrMeet(
    task: ObservedTask,
    { resource, manifest }: Create,
    starts: readonly OpenStart[],
    now: number,
  ): Promise<void> {
    try {
      this.#stores.learn(await this.#api.create(resource, manifest));
    } catch (error) {
      if (isAlreadyExists(error)) return this.#meet(task, { resource, manifest }, starts, now);
      const reason = whyRefused(error);
      if (reason === undefined || task.memory === undefined) throw error;
      const words = (error as ApiError).message;
      const message = refusalText(words);
      this.#drop(starts);
      refuse(task.memory, task, reason, message, now);
      const level = lacksRight(words) ? "warn" : "info";
      this.#log[level]({ task: task.key, name: manifest.metadata.name, reason, message }, "start refused");
    }
  }

  /** The name is there already: most often our own create, whose answer was lost. */
  async #meet(
    task: ObservedTask,
    { resource, manifest }: Pick<Create, "resource" | "manifest">,
    starts: readonly OpenStart[],
    now: number,
  ): Promise<void> {
    const found = (await this.#api.get(resource, manifest.metadata)) as ExistingObject;
    switch (engines[task.engine.name].existing(found, manifest)) {
      case "Same":
      case "Altered":
        if (this.#stores.learn(found)) return;
        // Ours, and somebody took its labels: we would not see what becomes of it.
        break;
      case "Earlier":
        await this.#api.delete(resource, keyOf(found), { uid: found.metadata.uid, propagation: "Background" });
        return;
    }
    this.#drop(starts);
    if (task.memory !== undefined)
      refuse(task.memory, task, "NameTaken", nameTaken(`${resource.kind} ${found.metadata.name}`).message, now);
  }

  #drop(starts: readonly OpenStart[]): void {
    for (const start of starts) this.#dropped.add(openKey(start));
  }

  /** Open starts that nothing else would tell of yet: those that the next status has to carry. */
  openStarts(observed: Observed): readonly OpenStart[] {
    const object = observed.pool && this.#stores.pools.get(keyOf(observed.pool.object));
    if (object === undefined) return [];
    return openStartsIn(object).filter((start) => {
      const task = observed.byKey.get(keyText({ namespace: start.namespace, name: start.task }));
      if (
        task === undefined ||
        task.object.metadata.uid !== start.taskUid ||
        isLeaving(task) ||
        this.#dropped.has(openKey(start))
      )
        return false;
      const account = task.memory?.work?.account;
      if (account?.isRecorded(start.shard, start.attempt)) return false;
      // A Job is held until it is recorded; a Pod can vanish, so that it started is recorded first.
      const isHeld = this.#stores.jobs.countBy("attempt", openKey(start)) > 0;
      return !isHeld && !account?.isStarted(start.shard, start.attempt);
    });
  }

  /** The task as our own last write left it. */
  latest(task: PooledTask): PooledTask {
    return this.#written.get(task) ?? task;
  }

  /** Of a pool that is gone. */
  forget(uid: string): void {
    this.#openedAt.delete(uid);
    this.#creates.delete(uid);
  }

  /** The pool's status does not carry all of the former ones any more. */
  closed(former: readonly OpenStart[], stillOpen: readonly string[]): void {
    const open = new Set(stillOpen);
    for (const start of former) if (!open.has(openStartText(start))) this.#dropped.delete(openKey(start));
  }
}

/** How many starts may follow while `older` ones are written down and still to be created. */
export function batchSize(older: number, areCreated: boolean): number {
  if (older >= openStartsEnough && areCreated) return 0;
  return Math.max(startsPerBatchLeast, startsPerBatch - older);
}

/**
 * The starts that are written down now: a batch, in their order, but shards that must start together in one. Where those
 * do not fit any more they wait, with all that come behind, until there is room.
 */
export function nextBatch(
  starts: readonly Start[],
  gang: (task: string) => number,
  room: number,
  perBatch = startsPerBatch,
): readonly Start[] {
  const byTask = Map.groupBy(starts, ({ task }) => task);
  const batch = new Set<Start>();
  const seen = new Set<string>();
  for (const start of starts) {
    if (batch.has(start)) continue;
    const isFirst = !seen.has(start.task);
    seen.add(start.task);
    const size = isFirst ? gang(start.task) : 1;
    const together = size > 1 ? (byTask.get(start.task) ?? []).slice(0, size) : [start];
    const most = size > 1 ? room : Math.min(room, perBatch);
    if (batch.size + together.length > most) break;
    for (const each of together) batch.add(each);
  }
  return [...batch];
}

/** How many shards of the task must start together now. */
function gangOf(task: ObservedTask | undefined): number {
  const { minParallelism = 1, hasStarted = false } = task?.model ?? {};
  return hasStarted ? 1 : minParallelism;
}

function openStartOf(task: ObservedTask, { shard, node }: Start): OpenStart {
  const { name, namespace = "", uid } = task.object.metadata;
  let attempt = (task.memory?.work?.account.lastAttempt(shard) ?? 0) + 1;
  while (task.objects.has(attemptKey({ shard, attempt }))) attempt++;
  const request: Quantities = openRequest(task.model?.request ?? {});
  return { namespace, task: name, taskUid: uid, shard, attempt, node, request };
}

function needsRound({ engine }: ObservedTask): boolean {
  return engines[engine.name].openRound !== undefined;
}

function contextOf({ object, defaultRequests }: ObservedTask, root: ObservedRoot): TaskContext {
  return {
    task: object,
    child: childName(object),
    pool: object.spec.poolRef.name,
    defaultRequests,
    tolerations: tolerationOf(poolFactsOf(root)),
  };
}

/** More shards were cut; both numbers change together, or the server refuses. */
function growth({ metadata: { namespace, name, uid } }: RoundView, shards: number): Write {
  const operations = [
    { op: "test", path: "/metadata/uid", value: uid },
    { op: "replace", path: "/spec/completions", value: shards },
    { op: "replace", path: "/spec/parallelism", value: shards },
  ] as const;
  return { kind: "patch", resource: jobs, key: { namespace, name }, patch: { type: "json", operations } };
}

function openKey(start: OpenStart): string {
  return attemptIndexKey(start.namespace, start.taskUid, start);
}

function isLeaving({ stage }: ObservedTask): boolean {
  return stage.kind === "Deleting" || stage.kind === "Finished";
}
