// Lets go and removes what is not needed any more: Jobs whose outcome is recorded, tasks past their time, all that belongs
// to a task on its way out, and what outlived its task.
import {
  type Clock,
  controllerOf,
  isNotFound,
  type KubeApi,
  type KubeObject,
  keyOf,
  removeFinalizer,
} from "@dsl/kube-operator";
import { finalizers, labels } from "../api/labels.ts";
import { pooledTasks } from "../api/pooled-task.ts";
import type { Write } from "../engine/engine.ts";
import { releaseAttempt, removeAttempt, stopAttempt } from "../engine/engines.ts";
import { jobs } from "../engine/job.ts";
import type { JobView, RoundView } from "../engine/job-views.ts";
import { type HeldJob, releaseJob } from "../engine/release.ts";
import { type AttemptObject, attemptKey } from "../engine/views.ts";
import type { Observed } from "./observe.ts";
import { expiryOf, type ObservedTask } from "./observed/task.ts";
import { inParallel, inParallelWithin } from "./parallel.ts";
import { beyondRetention, surplusMax } from "./retention.ts";
import { ignoring, isGone, type Sender } from "./sender.ts";
import type { WritableStores } from "./stores.ts";

const lanes = 32;
/** What is not needed any more goes so many at a time. */
const removalsPerBatch = 200;
/** And for so long at a time: what has ended meanwhile is recorded and told before the rest goes. */
const removeForMs = 250;
/** Of a task that is being deleted, whose user waits for that; the other tasks of its pool wait meanwhile. */
const cleanUpForMs = 500;

export interface Removed {
  readonly errors: readonly unknown[];
  /** When there is more to remove. */
  readonly wakeAt?: number;
}

export interface RemoverOptions {
  readonly api: KubeApi;
  readonly stores: WritableStores;
  readonly sender: Pick<Sender, "send">;
  readonly clock: Pick<Clock, "monotonic">;
}

export class Remover {
  readonly #api: KubeApi;
  readonly #stores: WritableStores;
  readonly #sender: Pick<Sender, "send">;
  readonly #clock: Pick<Clock, "monotonic">;

  constructor({ api, stores, sender, clock }: RemoverOptions) {
    this.#api = api;
    this.#stores = stores;
    this.#sender = sender;
    this.#clock = clock;
  }

  /** What is recorded need not be held any longer. */
  release(observed: Observed): Promise<readonly unknown[]> {
    const releases = this.#undone(observed).flatMap(releasesOf);
    return inParallel(releases, lanes, async (write) => void (await this.#sender.send(write)));
  }

  /** Removal is housekeeping: while anything starts, runs or is about to be told, only what is far too much goes. */
  async remove(observed: Observed, now: number, busy: boolean): Promise<Removed> {
    const surplus = this.#surplus(observed);
    const due = busy || observed.going.some(works) ? surplus.slice(surplusMax) : surplus;
    const batch = due.slice(0, removalsPerBatch);
    const within = { forMs: removeForMs, clock: this.#clock };
    const removed = await inParallelWithin(within, batch, lanes, (object) => this.#delete(object));
    let isWhole = removed.isWhole && due.length === batch.length;
    const goes = observed.tasks.filter(({ object, spec, stage }) => {
      const expiry = spec && expiryOf(object, spec);
      return stage.kind === "Deleting" || (expiry !== undefined && now >= expiry);
    });
    const errors = await inParallel(goes, lanes, async (task) => {
      if (!(await this.#cleanUp(task))) isWhole = false;
    });
    return { errors: [...removed.errors, ...errors], ...(!isWhole && { wakeAt: now }) };
  }

  /** What ran attempts that are recorded, beyond what is kept for its logs. */
  #surplus(observed: Observed): readonly AttemptObject[] {
    return this.#undone(observed).flatMap((task) => {
      if (task.stage.kind === "Deleting") return [];
      const recorded = [...task.objects.values()].filter((object) => isSettled(task, object));
      for (const object of recorded) {
        if (object.kind === "Pod" && object.pod.gone) this.#stores.departed.drop(object.pod);
      }
      const surplus = beyondRetention(recorded);
      const isGoing = observed.byKey.get(task.key) === task;
      if (task.stage.kind === "Finished" && !isGoing && surplus.length === 0 && releasesOf(task).length === 0)
        this.#stores.tasksByPool.done(task);
      return surplus;
    });
  }

  #undone({ tasks }: Observed): readonly ObservedTask[] {
    const { tasksByPool } = this.#stores;
    return tasks.filter((task) => {
      const hasObjects = task.objects.size + task.rounds.length > 0;
      return (hasObjects || task.stage.kind === "Finished") && !tasksByPool.isDone(task);
    });
  }

  async #delete(object: AttemptObject): Promise<void> {
    await ignoring(isGone, async () => {
      if ((await this.#sender.send(removeAttempt(object))) !== "Gone") return;
      if (object.kind === "Pod") this.#stores.forgetPod(object.pod);
      else this.#stores.forgetJob(object);
    });
  }

  /** Of a task that is on its way out or past its time. False where that took too long. */
  async #cleanUp(task: ObservedTask): Promise<boolean> {
    const { object, stage } = task;
    if (stage.kind === "Deleting") {
      const objects = remaining(task);
      if (objects.length > 0) return await this.#deleteAll(objects);
      await this.#letGo(task);
      return true;
    }
    await ignoring(isGone, async () => {
      const left = await this.#api.delete(pooledTasks, keyOf(object), {
        uid: object.metadata.uid,
        // Somebody may be raising the time, or asking for its failed items again.
        resourceVersion: object.metadata.resourceVersion,
        propagation: "Background",
      });
      if (left !== undefined) this.#stores.learnTask(left);
    });
    return true;
  }

  /** The task may go once no Job of it is left, by a live list: the cache may not know of the last one yet. */
  async #letGo(task: ObservedTask): Promise<void> {
    const { object, rounds } = task;
    for (const round of rounds) if (!round.deleting) await this.#deleteJob(round);
    const patch = removeFinalizer(object, finalizers.cleanup);
    if (patch === undefined || rounds.length > 0) return;
    const page = await this.#api.list(jobs, {
      namespace: object.metadata.namespace ?? "",
      labelSelector: `${labels.taskUid}=${object.metadata.uid}`,
      limit: 500,
    });
    // A copy that somebody made of one is theirs.
    const ours = page.items.filter((job) => controllerOf(job)?.uid === object.metadata.uid);
    // Of which somebody took the labels off is seen nowhere else.
    const unseen = ours.filter((job) => !this.#stores.learnJob(job));
    for (const { metadata } of unseen) {
      await this.#deleteJob({ metadata });
      const release = releaseJob({ metadata, finalizers: metadata.finalizers ?? [] });
      if (release !== undefined) await this.#sender.send(release);
    }
    if (unseen.length > 0) throw new Error(`${task.key} waits for Jobs of its own to go that have lost their labels`);
    if (ours.length > 0) return;
    await ignoring(isGone, async () => {
      const left: KubeObject = await this.#api.patch(pooledTasks, keyOf(object), patch);
      if ((left.metadata.finalizers ?? []).length === 0) this.#stores.forgetTask(object);
    });
  }

  async #deleteAll(objects: readonly AttemptObject[]): Promise<boolean> {
    const { errors, isWhole } = await inParallelWithin(
      { forMs: cleanUpForMs, clock: this.#clock },
      objects.filter(({ deleting }) => !deleting),
      lanes,
      async (object) => {
        await (object.finished === undefined ? this.#sender.send(stopAttempt(object)) : this.#delete(object));
      },
    );
    if (errors.length > 0) throw errors[0];
    return isWhole;
  }

  async #deleteJob({ metadata: { namespace = "", name, uid } }: Pick<HeldJob, "metadata">): Promise<void> {
    await this.#sender.send({
      kind: "delete",
      resource: jobs,
      key: { namespace, name },
      uid,
      propagation: "Background",
    });
  }

  /** Jobs whose task is gone: nobody asks for their outcome any more. */
  async removeOrphans(attempts: readonly JobView[], rounds: readonly RoundView[]): Promise<readonly unknown[]> {
    return inParallel([...attempts, ...rounds], lanes, async (job) => {
      if (await this.#hasTask(job)) return;
      if (!job.deleting) await ("kind" in job ? this.#sender.send(stopAttempt(job)) : this.#deleteJob(job));
      const release = releaseJob(job);
      if (release !== undefined) await this.#sender.send(release);
    });
  }

  /** Live: our copy may not know the task yet. */
  async #hasTask({ metadata: { namespace }, taskName, task }: JobView | RoundView): Promise<boolean> {
    try {
      return (await this.#api.get(pooledTasks, { namespace, name: taskName })).metadata.uid === task;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}

/** Lets go what is held and recorded, and all of a task that is being deleted. */
function releasesOf(task: ObservedTask): readonly Write[] {
  const { stage } = task;
  const ended = new Set(task.ended.map(attemptKey));
  const releasable = [...task.objects].filter(
    ([key, object]) => isSettled(task, object) || (stage.kind === "Deleting" && ended.has(key)),
  );
  const isOver = stage.kind === "Finished" || (stage.kind === "Deleting" && remaining(task).length === 0);
  return [
    ...releasable.flatMap(([, object]) => releaseAttempt(object) ?? []),
    ...task.rounds.flatMap((round) => (isOver || isGivenUp(task, round) ? (releaseJob(round) ?? []) : [])),
  ];
}

/** Also what has ended until its status says so: whoever waits for a task is not to wait for our housekeeping. */
function works({ active, ended, stage, memory }: ObservedTask): boolean {
  // Whose records are not read, because it has finished or cannot be read, has nothing to come.
  if (stage.kind === "Finished" || memory?.work === undefined) return false;
  return active.length + ended.length > 0 || stage.kind === "Ended";
}

function isSettled({ stage, memory }: ObservedTask, { shard, attempt }: AttemptObject): boolean {
  return stage.kind === "Finished" || memory?.work?.account.isRecorded(shard, attempt) === true;
}

/** A Job that is being deleted, or that has finished, once nothing of it is left to be recorded. */
function isGivenUp(task: ObservedTask, round: RoundView): boolean {
  if (!round.deleting && round.finished === undefined) return false;
  const { uid } = round.metadata;
  return ![...task.active, ...task.ended].some(({ job }) => job === uid);
}

/** Of a task that is being deleted: all that a node still has to end. */
function remaining(task: ObservedTask): readonly AttemptObject[] {
  const ended = new Set(task.ended.map(attemptKey));
  return [...task.objects.values()].filter(
    (object) => object.kind === "Job" || !(object.pod.gone || (object.deleting && ended.has(object.key))),
  );
}
