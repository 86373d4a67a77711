// Lets go and removes what is not needed any more: Jobs whose outcome is recorded, tasks past their time, all that belongs
// to a task on its way out, and what outlived its task.
import { isNotFound, type KubeApi, type KubeObject, keyOf, removeFinalizer } from "@dsl/kube-operator";
import { finalizers, labels } from "../api/labels.ts";
import { pooledTasks } from "../api/pooled-task.ts";
import type { Engine, Write } from "../engine/engine.ts";
import { jobs } from "../engine/job.ts";
import type { JobView } from "../engine/views.ts";
import { attemptKey, expiryOf, type Observed, type ObservedTask } from "./observe.ts";
import { inParallel } from "./parallel.ts";
import { jobsBeyondRetention } from "./retention.ts";
import { ignoring, isGone, type Sender } from "./sender.ts";
import type { WritableStores } from "./stores.ts";

const lanes = 32;

export interface RemoverOptions {
  readonly api: KubeApi;
  readonly stores: WritableStores;
  readonly engine: Engine;
  readonly sender: Sender;
}

export class Remover {
  readonly #api: KubeApi;
  readonly #stores: WritableStores;
  readonly #engine: Engine;
  readonly #sender: Sender;

  constructor({ api, stores, engine, sender }: RemoverOptions) {
    this.#api = api;
    this.#stores = stores;
    this.#engine = engine;
    this.#sender = sender;
  }

  /** What is recorded need not be held any longer. */
  release(observed: Observed): Promise<readonly unknown[]> {
    return inParallel(this.#releasable(observed), lanes, (write) => this.#sender.send(write));
  }

  async remove(observed: Observed, now: number): Promise<readonly unknown[]> {
    return [
      ...(await inParallel(this.#surplus(observed), lanes, (job) => this.#deleteJob(job))),
      ...(await inParallel(observed.tasks, lanes, (task) => this.#cleanUp(task, now))),
    ];
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
    for (const job of all.values()) if (!job.deleting) await this.#sender.send(this.#engine.stop(job));
  }

  /** Jobs whose task is gone: nobody asks for their outcome any more. */
  async removeOrphans(orphans: readonly JobView[]): Promise<readonly unknown[]> {
    return inParallel(orphans, lanes, async (job) => {
      if (await this.#hasTask(job)) return;
      if (!job.deleting) await this.#sender.send(this.#engine.stop(job));
      const release = this.#engine.release(job);
      if (release !== undefined) await this.#sender.send(release);
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
