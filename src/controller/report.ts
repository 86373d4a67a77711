// Writes what the operator knows into the statuses, seldom enough: at most one write a second an object, none when
// nothing changed, and one a minute for what changes with the clock alone. What is written is decided elsewhere.
import { isDeepStrictEqual } from "node:util";
import { type Clock, hasFinalizer } from "@dsl/kube-operator";
import { finalizers } from "../api/labels.ts";
import type { PooledTask, PooledTaskStatus } from "../api/pooled-task.ts";
import type { ResourcePoolStatus } from "../api/resource-pool.ts";
import { isObserved } from "../api/task-conditions.ts";
import { roundStatus } from "../engine/round-status.ts";
import type { Plan, PoolStatistics, Recommendation, TaskForecast } from "../scheduling/index.ts";
import type { Applier } from "./apply.ts";
import type { Observed } from "./observe.ts";
import type { ObservedTask } from "./observed/task.ts";
import { inParallel, inParallelWithin } from "./parallel.ts";
import { poolStatus } from "./pool-status.ts";
import { roundFactsOf } from "./round-facts.ts";
import { needsRetryRound } from "./stage.ts";
import { isTold, isTrue, taskStatus, toldPositions } from "./task-status.ts";

const writeEveryMs = 1000;
/** What nobody waits for is written once it has stood so long: where a task is over soon, its end says it all. */
const settleMs = 1000;
/** That a task has begun is not told where it is likely over by then. */
const soonMs = 5000;
/** Of a Job that attempts share: its task tells the same each second. */
const roundEveryMs = 2000;
/** A Job that is over by then is told its end alone. */
const roundFirstMs = 4000;
/** Its place in a queue, and amounts in a sentence about waiting, move with every start of somebody else. */
const messageEveryMs = 30_000;
/** Rates, estimates and windowed statistics. */
const driftEveryMs = 60_000;
/** Of the text that names the completed indexes of a Job. */
const indexBytesPerMs = 64;
const lanes = 16;
/** Tasks that only wait are told why for so long at a time; the others of them have their turn after the next plan. */
const waitingForMs = 500;
/**
 * And so many a second, as long as shards start every few seconds: such a word delays the next start. It costs the API server
 * twice what the last status does, since a task that nobody has held keeps the account of its fields' managers.
 */
const wordsPerSecond = 4;
const restlessMs = 2000;

export interface Reported {
  readonly errors: readonly unknown[];
  /** When what was held back is due. */
  readonly wakeAt?: number;
}

export class Reporter {
  readonly #applier: Applier;
  readonly #clock: Pick<Clock, "monotonic">;
  /** By uid: when its status, and the message in it, was last written. */
  readonly #writtenAt = new Map<string, number>();
  readonly #messageAt = new Map<string, number>();
  /** By uid: since when what is meant is not what is stored; of a Job, when it was first met. */
  readonly #changedAt = new Map<string, number>();
  /** By root: when tasks that only wait were last told why. */
  readonly #wordsAt = new Map<string, number>();
  /** By root: when a plan last started something. */
  readonly #startsAt = new Map<string, number>();

  constructor(applier: Applier, clock: Pick<Clock, "monotonic">) {
    this.#applier = applier;
    this.#clock = clock;
  }

  /** Beside what the plan starts, stops and removes, once its ends are recorded: progress waits for none of these. */
  async reportTasks(
    observed: Observed,
    plan: Plan,
    forecasts: ReadonlyMap<string, TaskForecast>,
    now: number,
  ): Promise<Reported> {
    const moments: number[] = [];
    const writes: (() => Promise<unknown>)[] = [];
    /** Whoever has created thousands of tasks wants them to start, and not to read of each why it does not yet. */
    const words: (() => Promise<unknown>)[] = [];
    const starts = new Map<string, number>();
    for (const decision of plan.decisions) {
      if (decision.kind === "start") starts.set(decision.task, (starts.get(decision.task) ?? 0) + 1);
    }
    const waiting = new Map(plan.waiting.map((each) => [each.task, each]));
    if (starts.size > 0) this.#startsAt.set(observed.root, now);
    const isRestless = now - (this.#startsAt.get(observed.root) ?? 0) < restlessMs;
    const allowed = isRestless ? this.#wordsAllowed(observed.root, now) : Number.POSITIVE_INFINITY;

    for (const task of observed.going) {
      const { key, stage } = task;
      if (stage.kind === "Finished") {
        const answer = answered(task.object);
        if (answer !== undefined) writes.push(() => this.#applier.reportTask(task.object, answer));
        continue;
      }
      if (stage.kind === "Deleting") continue;
      if (endsNext(task)) {
        moments.push(now);
        continue;
      }
      // One that begins now is being held: a status for what it was before would be refused.
      if ((starts.has(key) || task.open.length > 0) && !hasFinalizer(task.object, finalizers.cleanup)) continue;
      // Of thousands nothing is computed that would not be told.
      if (words.length > allowed && !starts.has(key) && this.#isUntold(task)) continue;
      const planned = { starts: starts.get(key) ?? 0, waiting: waiting.get(key), forecast: forecasts.get(key) };
      if (isTold(task, planned)) {
        this.#changedAt.delete(task.object.metadata.uid);
        continue;
      }
      const status = taskStatus(task, planned, now);
      if (status === undefined) continue;
      const position = planned.waiting?.position ?? 0;
      const held = this.#withSteadyMessage(task, status, position > toldPositions, now);
      if (held.wakeAt !== undefined) moments.push(held.wakeAt);
      const round = this.#roundReport(task, now);
      const isLast = stage.kind === "Ended";
      // Who was refused is woken by what was faster, but not by a refusal that had no such reason.
      const tellRound = async (): Promise<boolean> => {
        const isTold = (await round?.write()) !== false;
        if (!isTold) moments.push(now + writeEveryMs);
        return isTold;
      };
      if (round !== undefined && !isLast) {
        if (round.due > now) moments.push(round.due);
        else writes.push(tellRound);
      }
      const awaited = isAwaited(task, held.status);
      const works = task.active.length > 0;
      const due = this.#dueAt(task.object.metadata.uid, task.object.status, held.status, now, {
        withoutDrift: withoutTaskDrift,
        works,
        waitsFor: awaited ? 0 : settleMs,
        ...(!awaited && isSoonOver(task) && { heldUntil: (task.firstDecided ?? 0) + soonMs }),
      });
      if (due === undefined) continue;
      const both = isLast && round !== undefined ? Math.max(due, round.due) : due;
      if (both > now) moments.push(both);
      else {
        (awaited || works ? writes : words).push(async () => {
          // A finished task is not looked at any more, so its Job has to be finished before.
          if (isLast && !(await tellRound())) return;
          this.#writtenAt.set(task.object.metadata.uid, now);
          this.#changedAt.delete(task.object.metadata.uid);
          if (held.status.queue?.message !== task.object.status?.queue?.message) {
            this.#messageAt.set(task.object.metadata.uid, now);
          }
          await this.#applier.reportTask(task.object, held.status);
        });
      }
    }

    const errors = await inParallel(writes, lanes, async (write) => void (await write()));
    const within = { forMs: waitingForMs, clock: this.#clock };
    const first = words.slice(0, allowed);
    const told = await inParallelWithin(within, first, lanes, async (write) => void (await write()));
    if (first.length > 0) this.#wordsAt.set(observed.root, now);
    if (first.length < words.length) moments.push(now + writeEveryMs);
    if (!told.isWhole) moments.push(now);
    return {
      errors: [...errors, ...told.errors],
      ...(moments.length > 0 && { wakeAt: Math.min(...moments) }),
    };
  }

  /** The status of the Job that the task's attempts share now; undefined where nothing of it changes. */
  #roundReport(
    task: ObservedTask,
    now: number,
  ): { readonly due: number; readonly write: () => Promise<boolean> } | undefined {
    const round = task.rounds.find(({ finished, deleting }) => finished === undefined && !deleting);
    const facts = round && roundFactsOf(task, round);
    const status = facts && roundStatus(round, facts, now);
    if (round === undefined || status === undefined || isDeepStrictEqual(round.status, status)) return undefined;
    const { uid } = round.metadata;
    // Where shards end far out of order the indexes are long, and etcd keeps every version for a while.
    const everyMs = Math.max(roundEveryMs, (facts?.completedIndexes.length ?? 0) / indexBytesPerMs);
    const met = this.#changedAt.get(uid) ?? now;
    this.#changedAt.set(uid, met);
    const firstMs = roundFirstMs + (isSoonOver(task) ? soonMs : 0);
    const last = this.#writtenAt.get(uid);
    const isLast = task.stage.kind === "Ended";
    return {
      due: isLast ? (last ?? 0) + writeEveryMs : last === undefined ? met + firstMs : last + everyMs,
      write: async () => {
        this.#writtenAt.set(uid, now);
        // Nothing of it is left to be recorded, so the write that ends it lets it go as well.
        return await this.#applier.reportRound(round, status, { release: isLast });
      },
    };
  }

  /** After all else: the root's status also closes the starts that have been seen. */
  async reportPools(
    observed: Observed,
    plan: Plan,
    statistics: ReadonlyMap<string, PoolStatistics>,
    advice: readonly Recommendation[] | undefined,
    now: number,
  ): Promise<Reported> {
    const moments: number[] = [];
    const writes: (() => Promise<unknown>)[] = [];
    const works = observed.going.some(({ active }) => active.length > 0);
    for (const pool of observed.pools.values()) {
      const status = poolStatus(observed, pool, plan, statistics.get(pool.object.metadata.name), advice, now);
      const stored = pool.object.status;
      const isRoot = pool.object === observed.pool?.object;
      const own = isRoot && this.#applier.queue(observed);
      const queue = { ...(stored?.queue?.term !== undefined && { term: stored.queue.term }), ...own };
      const before = stored && { ...stored, queue: { ...(isRoot && { openStarts: [] }), ...stored.queue } };
      const wanted = { ...status, queue: { ...queue, ...status.queue } };
      const due = this.#dueAt(pool.object.metadata.uid, before, wanted, now, {
        withoutDrift: withoutPoolDrift,
        works,
        waitsFor: 0,
      });
      if (due !== undefined && due > now) moments.push(due);
      else if (due !== undefined) {
        writes.push(async () => {
          this.#writtenAt.set(pool.object.metadata.uid, now);
          this.#changedAt.delete(pool.object.metadata.uid);
          await this.#applier.reportPool(observed, pool, status);
        });
      }
    }
    const errors = await inParallel(writes, lanes, async (write) => void (await write()));
    return { errors, ...(moments.length > 0 && { wakeAt: Math.min(...moments) }) };
  }

  /** Met before, and nothing of it has begun or been written since. */
  #isUntold({ object, stage, active, open, ended }: ObservedTask): boolean {
    if (object.status !== undefined || stage.kind !== "Open" || !this.#changedAt.has(object.metadata.uid)) return false;
    return active.length + open.length + ended.length === 0 && object.spec.items.configMapRefs === undefined;
  }

  #wordsAllowed(root: string, now: number): number {
    const sinceMs = now - (this.#wordsAt.get(root) ?? 0);
    return Math.min(wordsPerSecond, Math.floor((sinceMs * wordsPerSecond) / 1000));
  }

  /** When the status may be written; undefined if it says what is stored. */
  #dueAt<S>(
    uid: string,
    stored: S | undefined,
    wanted: S,
    now: number,
    { withoutDrift, works, waitsFor, heldUntil = 0 }: Pace<S>,
  ): number | undefined {
    const isSame = stored !== undefined && isDeepStrictEqual(stored, wanted);
    const isDrift = isSame || (stored !== undefined && isDeepStrictEqual(withoutDrift(stored), withoutDrift(wanted)));
    const last = this.#writtenAt.get(uid) ?? 0;
    if (isDrift) {
      this.#changedAt.delete(uid);
      return works && !isSame ? last + driftEveryMs : undefined;
    }
    const changed = this.#changedAt.get(uid) ?? now;
    this.#changedAt.set(uid, changed);
    return Math.max(last + writeEveryMs, changed + waitsFor, heldUntil);
  }

  /** Its stored place and sentence, while the reason is the same and the sentence young. */
  #withSteadyMessage(
    { object }: ObservedTask,
    status: PooledTaskStatus,
    isFarBack: boolean,
    now: number,
  ): { readonly status: PooledTaskStatus; readonly wakeAt?: number } {
    const stored = object.status?.queue;
    const { queue } = status;
    const { uid } = object.metadata;
    if (queue === undefined || stored === undefined || stored.reason !== queue.reason) return { status };
    if (queue.message === stored.message && queue.position === stored.position) return { status };
    // What keeps a Pod from starting is told at once; so is when one that has its place is expected to start.
    if (queue.reason === "Starting") return { status };
    if (stored.position !== undefined && isForeseen(queue) && !isForeseen(stored)) return { status };
    // Far back in a queue the sentence changes with every start in front, and says little: it stays with its word.
    const due = isFarBack ? Number.POSITIVE_INFINITY : (this.#messageAt.get(uid) ?? 0) + messageEveryMs;
    if (now >= due) return { status };
    const conditions = status.conditions?.map((condition) =>
      condition.message === queue.message && stored.message !== undefined
        ? { ...condition, message: stored.message }
        : condition,
    );
    return {
      status: { ...status, queue: stored, ...(conditions && { conditions }) },
      ...(Number.isFinite(due) && { wakeAt: due }),
    };
  }

  /** Of an object that is gone. */
  forget(uid: string): void {
    this.#writtenAt.delete(uid);
    this.#messageAt.delete(uid);
    this.#changedAt.delete(uid);
  }

  /** Of a tree that is gone. */
  forgetRoot(root: string): void {
    this.#wordsAt.delete(root);
    this.#startsAt.delete(root);
  }
}

interface Pace<S> {
  readonly withoutDrift: (status: S) => unknown;
  /** Something of it runs. */
  readonly works: boolean;
  /** How long a change has to stand before it is written. */
  readonly waitsFor: number;
  /** It is not written before, whatever changes. */
  readonly heldUntil?: number;
}

/**
 * What somebody may be waiting for: the end, a word that needs a person or keeps a Pod from starting, items that have
 * ended while others go on, an answer to a changed spec. And what holds the items of a task to those that it began with.
 */
function isAwaited({ object, spec, stage, active }: ObservedTask, wanted: PooledTaskStatus): boolean {
  const { status: stored } = object;
  if (stage.kind !== "Open") return true;
  if (stored === undefined) return spec?.items.configMapRefs !== undefined;
  if (!isObserved(object)) return true;
  if (wanted.queue?.reason === "Starting" && wanted.queue.message !== stored.queue?.message) {
    return active.some((attempt) => attempt.state === "Starting" && (attempt.waitingFor ?? []).length > 0);
  }
  if (isStalled(wanted) !== isStalled(stored)) return true;
  const { succeeded, failed } = wanted.items ?? {};
  return succeeded !== stored.items?.succeeded || failed !== stored.items?.failed;
}

/**
 * What stands in the status of a task that has finished, as being about its present spec: a change that asks for no other
 * end has changed nothing, and whoever waits for its conditions has to see that. Undefined where that stands there.
 */
function answered(task: PooledTask): PooledTaskStatus | undefined {
  const { generation } = task.metadata;
  const { status } = task;
  if (generation === undefined || status === undefined || isObserved(task)) return undefined;
  const conditions = status.conditions?.map((condition) => ({ ...condition, observedGeneration: generation }));
  return { ...status, observedGeneration: generation, ...(conditions && { conditions }) };
}

/** Its last items have been recorded just now: the next look finds it ended, and tells that. */
function endsNext({ stage, spec, memory }: ObservedTask): boolean {
  const account = memory?.work?.account;
  if (stage.kind !== "Open" || spec === undefined || account === undefined) return false;
  return account.isComplete && !needsRetryRound(spec, account);
}

/** All of it has begun, and what is known of others like it says that it takes no time. */
function isSoonOver({ model }: ObservedTask): boolean {
  if (model === undefined || model.active.length === 0) return false;
  const isLast = model.waiting.length + model.backingOff.length === 0;
  return isLast && model.expected !== undefined && model.expected.likelyMs <= soonMs;
}

function isStalled({ conditions }: PooledTaskStatus): boolean {
  return isTrue(conditions, "Stalled");
}

type Queue = NonNullable<PooledTaskStatus["queue"]>;

function isForeseen({ expectedStart, wouldStartIf }: Queue): boolean {
  return expectedStart !== undefined || wouldStartIf !== undefined;
}

/** Whether anything is expected is news; when exactly is not. */
function withoutTaskDrift({ progress, summary, statistics: _, queue, ...status }: PooledTaskStatus): unknown {
  const { expectedStart: __, wouldStartIf: ___, ...words } = queue ?? {};
  return {
    ...status,
    queue: { ...words, isForeseen: queue !== undefined && isForeseen(queue) },
    percent: progress?.percent,
    items: summary?.items,
  };
}

/**
 * A use that fades and a moment that is expected anew say nothing that could not be computed from what is stored. What
 * would help is news; by how much is not.
 */
function withoutPoolDrift({ statistics: _, queue, recommendations = [], ...status }: ResourcePoolStatus): unknown {
  const { usedAt: __, namespaces = [], head, ...memory } = queue ?? {};
  const holds = namespaces.filter(({ holdsPpm }) => holdsPpm > 0).map(({ name, holdsPpm }) => `${name} ${holdsPpm}`);
  const helps = recommendations.map(({ type }) => type).sort();
  return { ...status, helps, queue: { ...memory, holds: holds.sort(), head: head?.task } };
}
