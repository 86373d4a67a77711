// What the operator remembers of a task between two reconciles: its items, what its records add up to, and what it was
// lately refused. All of it can be lost at any moment: it is read again from the task's own objects.
import { createHash } from "node:crypto";
import { hasFinalizer, isNotFound, type KubeApi, keyText } from "@dsl/kube-operator";
import { chunkProblem, gangProblem, shardCount } from "../api/chunks.ts";
import { configMapText, type Items, itemsOf } from "../api/items.ts";
import { childName, finalizers } from "../api/labels.ts";
import type { PooledTask, PooledTaskSpec } from "../api/pooled-task.ts";
import { isProblem, type Problem } from "../api/problem.ts";
import { type Amounts, type Keys, keysOf, type StopReason, type TaskReason } from "../scheduling/index.ts";
import { Account } from "./account.ts";
import { LearnedTimes } from "./learned-times.ts";
import { type ConfigMap, configMaps, NameTaken, RecordLog } from "./record-log.ts";

/** What a create ran into: nothing of the task starts until it is worth trying again. */
export interface Refusal {
  readonly reason: TaskReason;
  readonly message: string;
  readonly until: number;
  /** How many shards had their Pod when the others were refused; more once more were granted. */
  ceiling: number;
  /** How often in a row. */
  count: number;
  /** The records could not be written: only a write of them shows that it has passed. */
  readonly ofRecords?: boolean;
}

export interface TaskMemory {
  readonly uid: string;
  readonly child: string;
  /** Absent: the items cannot be had; `problem` says why. */
  readonly work?: Work;
  readonly problem?: Problem;
  /** When the sources of the items were last read; they are not watched. */
  readonly readAt: number;
  /** A digest of its Pod template, by which others that run the same are known. */
  readonly template: string;
  refusal?: Refusal;
  /** Nodes that the Kubernetes scheduler refused, and until when they are left out. */
  readonly excludedNodes: Map<string, number>;
  /** Why attempts were stopped, by `shard/attempt`. */
  readonly stops: Map<string, StopReason>;
  lastAppend: number;
  /** Its records were not asked for, since nobody had held it: until we hold it. */
  isUnasked?: boolean;
  /** Under which what it takes is learned, for a shard that asks for this. */
  keys?: { readonly request: Amounts; readonly asked: string; readonly keys: Keys };
}

/** What can be run, and what has been. */
export interface Work {
  readonly items: Items;
  readonly account: Account;
  readonly log: RecordLog;
}

/** Items from ConfigMaps are read again this often while something is left to start. */
const rereadMs = 15_000;
/** Somebody is at work on what keeps a task from going on, so it is looked at more often. */
const problemRereadMs = 5_000;

export class TaskMemories {
  readonly #api: KubeApi;
  readonly #memories = new Map<string, TaskMemory>();
  /** By uid: the read that is under way. What is doubted or forgotten meanwhile is not remembered by it. */
  readonly #reads = new Map<string, Promise<TaskMemory>>();
  /** UIDs of tasks whose records are not what we remembered. */
  readonly #doubted = new Set<string>();
  /** What is remembered of tasks that have ended. */
  readonly times: LearnedTimes = new LearnedTimes();

  constructor(api: KubeApi) {
    this.#api = api;
  }

  get(task: PooledTask): TaskMemory | undefined {
    return this.#memories.get(task.metadata.uid);
  }

  /** What is known, unless there is something to be read. */
  known(task: PooledTask, spec: PooledTaskSpec, now: number): TaskMemory | undefined {
    const known = this.get(task);
    // Who led before us held it, and we had not heard of it.
    if (known?.isUnasked && hasFinalizer(task, finalizers.cleanup)) this.doubt(known.uid);
    else if (known !== undefined && !isStale(known, spec, now)) return known;
    return undefined;
  }

  /**
   * Reads what is not in memory yet, and again what may have changed behind our back. `isNew`: it has come since we began,
   * and nobody has held it or told anything of it.
   */
  async remember(
    task: PooledTask,
    spec: PooledTaskSpec,
    now: number,
    { isNew = false }: { readonly isNew?: boolean } = {},
  ): Promise<TaskMemory> {
    const known = this.known(task, spec, now);
    if (known !== undefined) return known;
    const { uid } = task.metadata;
    const read = this.#read(task, spec, this.get(task), isNew, now);
    this.#reads.set(uid, read);
    try {
      const fresh = await read;
      if (this.#reads.get(uid) === read) this.#memories.set(uid, fresh);
      return fresh;
    } finally {
      if (this.#reads.get(uid) === read) this.#reads.delete(uid);
    }
  }

  async #read(
    task: PooledTask,
    spec: PooledTaskSpec,
    known: TaskMemory | undefined,
    isNew: boolean,
    now: number,
  ): Promise<TaskMemory> {
    const { uid } = task.metadata;
    const child = childName(task);
    const memory: TaskMemory = {
      uid,
      child,
      readAt: now,
      template: known?.template ?? digestOf(task.spec.template),
      ...(known?.refusal && { refusal: known.refusal }),
      ...(known?.isUnasked && { isUnasked: true }),
      excludedNodes: known?.excludedNodes ?? new Map(),
      stops: known?.stops ?? new Map(),
      lastAppend: known?.lastAppend ?? 0,
    };
    const items = await this.#items(task, spec);
    if (isProblem(items)) return { ...memory, ...(known?.work && { work: known.work }), problem: items };
    const { size } = spec.chunk;
    const problem =
      chunkProblem(items, size) ??
      (size === "Auto" ? undefined : gangProblem(shardCount(items.count, size), spec.minParallelism));
    if (problem !== undefined) return { ...memory, problem };

    let work = known?.work;
    if (work === undefined) {
      const log = new RecordLog(this.#api, task, child);
      const account = new Account({ items: items.count, chunk: spec.chunk.size, reduce: spec.results.reduce });
      // Before a task is held nothing of it is recorded but how it is cut, so that there is nothing to ask for.
      const isUnwritten = isNew && size !== "Auto" && !this.#doubted.has(uid);
      try {
        for (const line of isUnwritten ? [] : await log.load()) account.apply(line);
      } catch (error) {
        if (!(error instanceof NameTaken)) throw error;
        return { ...memory, problem: nameTaken(error.object) };
      }
      work = { items, account, log };
      if (isUnwritten) memory.isUnasked = true;
    }
    const pinned = work.account.digest ?? task.status?.items?.digest;
    if (pinned !== undefined && pinned !== items.digest) return { ...memory, work, problem: itemsChanged(spec) };
    return { ...memory, work };
  }

  async #items(task: PooledTask, spec: PooledTaskSpec): Promise<Items | Problem> {
    const refs = spec.items.configMapRefs ?? [];
    const sources = new Map<string, ConfigMap | undefined>();
    for (const name of new Set(refs.map((ref) => ref.name))) {
      sources.set(name, await this.#configMap(task.metadata.namespace ?? "", name));
    }
    return itemsOf(spec.items, (ref) => configMapText(sources.get(ref.name), ref, refs.indexOf(ref)));
  }

  async #configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    try {
      return await this.#api.get(configMaps, { namespace, name });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Somebody else wrote, or an answer was lost: what is stored is read again. */
  doubt(uid: string): void {
    this.#memories.delete(uid);
    this.#reads.delete(uid);
    this.#doubted.add(uid);
  }

  /** The task is gone. */
  forget(uid: string): void {
    this.#memories.delete(uid);
    this.#reads.delete(uid);
    this.#doubted.delete(uid);
  }

  /** A quota that changed may let start what it refused. */
  liftRefusal(uid: string): void {
    const memory = this.#memories.get(uid);
    if (memory === undefined) return;
    if (memory.refusal?.ofRecords) memory.lastAppend = 0;
    delete memory.refusal;
  }
}

export function keysFor(memory: TaskMemory, { metadata, spec }: PooledTask, request: Amounts): Keys {
  // Most often it is the very same request.
  if (memory.keys?.request === request) return memory.keys.keys;
  const asked = JSON.stringify(request);
  const { name, namespace = "" } = metadata;
  const { template } = memory;
  const known = memory.keys?.asked === asked ? memory.keys.keys : undefined;
  const keys = known ?? keysOf({ pool: spec.poolRef.name, template, namespace, name, request });
  memory.keys = { request, asked, keys };
  return keys;
}

function digestOf(template: unknown): string {
  return createHash("sha256").update(JSON.stringify(template)).digest("base64url");
}

function isStale(memory: TaskMemory, spec: PooledTaskSpec, now: number): boolean {
  const due = rereadAt(memory, spec);
  return due !== undefined && now >= due;
}

/** When a task's sources are to be read again though nothing else happens; never, where that could change nothing. */
export function rereadAt({ problem, readAt, work }: TaskMemory, spec: PooledTaskSpec): number | undefined {
  if (problem !== undefined) return readAt + problemRereadMs;
  const matters = spec.items.configMapRefs !== undefined && work?.account.isComplete === false;
  return matters ? readAt + rereadMs : undefined;
}

export function nameTaken(object: string): Problem {
  return {
    reason: "NameTaken",
    field: "metadata.name",
    message: `${object} has a name that this task needs, and belongs to somebody else; delete it, or give the task another name`,
  };
}

function itemsChanged(spec: PooledTaskSpec): Problem {
  const names = (spec.items.configMapRefs ?? []).map((ref) => keyText({ name: `${ref.name}[${ref.key}]` })).join(", ");
  return {
    reason: "ItemsChanged",
    field: "spec.items.configMapRefs",
    message: `the items in ${names} are not those that the task began with; restore them, or create a new task`,
  };
}
