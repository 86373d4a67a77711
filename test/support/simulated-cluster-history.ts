// All that ever stood in the simulated cluster, revision by revision, and what must have held at each of them. Judges by
// the API server's history alone: what the operator thought of it does not count.
import { controllerOf, type KubeObject, keyText } from "@dsl/kube-operator";
import { amountsOf } from "../../src/api/amount.ts";
import { finalizers } from "../../src/api/labels.ts";
import { type OpenStart, openStartsOf } from "../../src/api/open-starts.ts";
import type { PooledTask } from "../../src/api/pooled-task.ts";
import { parseRecords, type RecordLine, recordsKey, succeeded } from "../../src/api/records.ts";
import { podRequest } from "../../src/api/request.ts";
import type { ResourcePool } from "../../src/api/resource-pool.ts";
import type { ConfigMap } from "../../src/controller/record-log.ts";
import { indexesOf, itemIndexesAnnotation } from "../../src/engine/item-indexes.ts";
import type { Amounts } from "../../src/scheduling/index.ts";
import {
  type Change,
  isOver,
  jobOf,
  type Mirror,
  type SimulatedJob,
  type SimulatedNode,
  type SimulatedPod,
  type World,
} from "./simulated-cluster-world.ts";

interface HistoryEvent {
  readonly revision: number;
  readonly change: Change;
  readonly plural: string;
  readonly object: KubeObject;
}

export interface Expectations {
  /** Where others take room behind the operator's back, capacity can be exceeded by no fault of its own. */
  readonly capacity?: boolean;
}

export class ClusterHistory {
  readonly #events: HistoryEvent[] = [];

  constructor(world: World) {
    const mirrors: readonly Pick<Mirror<KubeObject>, "resource" | "onChange">[] = [
      world.tasks,
      world.pools,
      world.jobs,
      world.pods,
      world.nodes,
      world.configMaps,
    ];
    for (const { resource, onChange } of mirrors.map((mirror) => ({
      resource: mirror.resource,
      onChange: mirror.onChange.bind(mirror),
    }))) {
      onChange((change, object) => {
        this.#events.push({
          revision: Number(object.metadata.resourceVersion),
          change,
          plural: resource.plural,
          object,
        });
      });
    }
  }

  get length(): number {
    return this.#events.length;
  }

  get events(): readonly HistoryEvent[] {
    return this.#events.toSorted((a, b) => a.revision - b.revision);
  }

  /** What did not hold, at which revision; empty if all is well. */
  violations(expectations: Expectations = {}): readonly string[] {
    const judge = new Judge(expectations);
    for (const event of this.events) judge.follow(event);
    return judge.violations;
  }
}

interface AttemptOf {
  readonly task: string;
  readonly shard: number;
  readonly attempt: number;
}

/** Follows the history, one revision after the other. */
class Judge {
  readonly violations: string[] = [];
  readonly #objects = new Map<string, KubeObject>();
  readonly #checksCapacity: boolean;
  /** Ever written down as an open start: `task/shard/attempt`. */
  readonly #opened = new Set<string>();
  readonly #created = new Set<string>();
  /** What each pool held at the revision before, those below it included. */
  readonly #heldBy = new Map<string, Amounts>();
  #revision = 0;

  constructor({ capacity = true }: Expectations) {
    this.#checksCapacity = capacity;
  }

  follow({ revision, change, plural, object }: HistoryEvent): void {
    this.#revision = revision;
    const key = `${plural} ${keyText(object.metadata)}`;
    const before = this.#objects.get(key);
    if (change === "DELETED") this.#objects.delete(key);
    else this.#objects.set(key, object);
    switch (plural) {
      case "jobs":
      case "pods":
        this.#judgeAttempt(object, before, change);
        break;
      case "configmaps":
        this.#judgeRecords(object as ConfigMap, before as ConfigMap | undefined, change);
        break;
      case "pooledtasks":
        this.#judgeTask(object as PooledTask, before as PooledTask | undefined, change);
        break;
      case "resourcepools":
        for (const start of openStartsOf(object as ResourcePool)) {
          this.#opened.add(attemptText({ ...start, task: start.taskUid }));
        }
        break;
    }
    if (this.#checksCapacity && plural !== "nodes") this.#judgeCapacity();
  }

  #say(invariant: string, words: string): void {
    this.violations.push(`${invariant} at revision ${this.#revision}: ${words}`);
  }

  *#all<T extends KubeObject>(plural: string): Iterable<T> {
    for (const [key, object] of this.#objects) if (key.startsWith(`${plural} `)) yield object as T;
  }

  // ---- a start is written down before its Job, nothing that is done runs again, nothing runs twice

  /** A Job of its own, or a Pod of a Job that attempts share. */
  #attemptOf(object: KubeObject): AttemptOf | undefined {
    const owner = controllerOf(object);
    if (owner?.kind === "PooledTask") return attemptOf(object, owner.uid);
    if (owner?.kind !== "Job") return undefined;
    for (const job of this.#all("jobs")) {
      if (job.metadata.uid !== owner.uid || job.metadata.labels?.["kube-pool.dev/round"] === undefined) continue;
      return attemptOf(object, controllerOf(job)?.uid ?? "");
    }
    return undefined;
  }

  #judgeAttempt(job: KubeObject, before: KubeObject | undefined, change: Change): void {
    const attempt = this.#attemptOf(job);
    if (attempt === undefined) return;
    const text = attemptText(attempt);
    const records = this.#recordsOf(attempt.task);
    if (change === "ADDED") {
      if (this.#created.has(text)) this.#say("S8", `${job.metadata.name} was created twice`);
      this.#created.add(text);
      if (!this.#opened.has(text)) this.#say("W4 before W5", `${job.metadata.name} was created and not written down`);
      const done = doneItems(records);
      const again = (indexesOf(job.metadata.annotations?.[itemIndexesAnnotation] ?? "") ?? []).filter((item) =>
        done.has(item),
      );
      if (again.length > 0) this.#say("S1", `${job.metadata.name} runs items ${again} again, which had succeeded`);
      for (const other of [...this.#all("jobs"), ...this.#all("pods")]) {
        const its = this.#attemptOf(other);
        if (its?.task !== attempt.task || its.shard !== attempt.shard || its.attempt === attempt.attempt) continue;
        if (!isRecorded(records, its))
          this.#say("S2", `${job.metadata.name} starts while ${other.metadata.name} is not recorded`);
      }
      const latest = Math.max(
        0,
        ...records.flatMap((line) => (line.kind === "attempt" && line.shard === attempt.shard ? [line.attempt] : [])),
      );
      if (attempt.attempt <= latest) this.#say("S8", `${job.metadata.name} has the number of an attempt that is over`);
    }
    // A Pod that ended by itself is somebody's only word of its end.
    const wasOver =
      before?.kind === "Pod" && isOver(before as SimulatedPod) && before.metadata.deletionTimestamp === undefined;
    if (change === "DELETED" && wasOver && !isDisrupted(before) && this.#taskIsThere(attempt.task)) {
      if (!isRecorded(records, attempt))
        this.#say("W7 before W14", `${job.metadata.name} was removed before its outcome was recorded`);
    }
    const wasHeld = before?.metadata.finalizers?.includes(finalizers.record) === true;
    const isHeld = change !== "DELETED" && job.metadata.finalizers?.includes(finalizers.record) === true;
    if (wasHeld && !isHeld && this.#taskIsThere(attempt.task) && !isRecorded(records, attempt)) {
      this.#say("W7 before W8", `${job.metadata.name} was let go before its outcome was recorded`);
    }
  }

  #taskIsThere(uid: string): boolean {
    for (const { metadata } of this.#all("pooledtasks")) {
      if (metadata.uid === uid) return metadata.deletionTimestamp === undefined;
    }
    return false;
  }

  // ---- records grow at their end, and no success is ever replaced

  #recordsOf(task: string): readonly RecordLine[] {
    const number = ({ metadata }: KubeObject): number => Number(/-(\d+)$/.exec(metadata.name)?.[1]);
    return [...this.#all<ConfigMap>("configmaps")]
      .filter((each) => controllerOf(each)?.uid === task)
      .sort((a, b) => number(a) - number(b))
      .flatMap((segment) => linesIn(segment));
  }

  #judgeRecords(segment: ConfigMap, before: ConfigMap | undefined, change: Change): void {
    const task = controllerOf(segment);
    if (task?.kind !== "PooledTask") return;
    if (change === "DELETED") {
      if (this.#taskIsThere(task.uid)) this.#say("S7", `${segment.metadata.name} was deleted before its task`);
      return;
    }
    const text = segment.data?.[recordsKey] ?? "";
    if (before !== undefined && !text.startsWith(before.data?.[recordsKey] ?? "")) {
      this.#say("S1", `${segment.metadata.name} lost what it had recorded`);
    }
    if (before?.immutable && text !== before.data?.[recordsKey])
      this.#say("S1", `${segment.metadata.name} was sealed and changed`);
    const successes = new Set<number>();
    const attempts = new Set<string>();
    for (const line of this.#recordsOf(task.uid)) {
      if (line.kind === "item" && succeeded(line)) {
        if (successes.has(line.item)) this.#say("S1", `item ${line.item} was accepted twice`);
        successes.add(line.item);
      }
      if (line.kind === "attempt") {
        const text = `${line.shard}/${line.attempt}`;
        if (attempts.has(text)) this.#say("S1", `attempt ${text} was recorded twice`);
        attempts.add(text);
      }
    }
  }

  // ---- what a status said stays true

  #judgeTask({ metadata, status, spec }: PooledTask, before: PooledTask | undefined, change: Change): void {
    if (change !== "MODIFIED" || before === undefined || status === undefined) return;
    const was = before.status;
    if ((status.observedGeneration ?? 0) > (metadata.generation ?? 0))
      this.#say("S8", `${metadata.name} observed the future`);
    if ((status.observedGeneration ?? 0) < (was?.observedGeneration ?? 0))
      this.#say("S8", `${metadata.name} forgot a generation`);
    if ((status.items?.succeeded ?? 0) < (was?.items?.succeeded ?? 0))
      this.#say("S8", `${metadata.name} lost successes`);
    const isTrue = (task: typeof status | undefined, type: string): boolean =>
      task?.conditions?.some((each) => each.type === type && each.status === "True") === true;
    if (isTrue(was, "Succeeded") && !isTrue(status, "Succeeded")) this.#say("S8", `${metadata.name} was Succeeded`);
    if (isTrue(was, "Finished") && !isTrue(status, "Finished") && spec.retryFailed <= (was?.handledRetry ?? 0)) {
      this.#say("S8", `${metadata.name} was Finished`);
    }
    if (isTrue(status, "Succeeded") && !isTrue(was, "Succeeded")) {
      const unkept = this.#recordsOf(metadata.uid).some(({ kind }) => kind === "unkept");
      const done = doneItems(this.#recordsOf(metadata.uid)).size;
      if (!unkept && done !== status.items?.total)
        this.#say("S3", `${metadata.name} is Succeeded with ${done} results`);
    }
  }

  // ---- limits

  /** Open starts, Jobs without a Pod, and Pods that have not ended: together within what each node offers. */
  #judgeCapacity(): void {
    const held = new Map<string, Record<string, number>>();
    const hold = (node: string, request: Readonly<Record<string, number>>): void => {
      const sum = held.get(node) ?? {};
      for (const [resource, amount] of Object.entries(request)) sum[resource] = (sum[resource] ?? 0) + amount;
      held.set(node, sum);
    };
    const holdIn = (pool: string, request: Readonly<Record<string, number>>): void => {
      for (const each of this.#lineageOf(pool)) hold(`pool ${each}`, request);
    };
    const withPod = new Set<string>();
    const pods = [...this.#all<SimulatedPod>("pods")];
    for (const pod of pods) withPod.add(jobOf(pod));
    const jobs = new Map<string, KubeObject>();
    for (const pod of pods) {
      const attempt = this.#attemptOf(pod);
      if (attempt !== undefined) jobs.set(attemptText(attempt), pod);
    }
    for (const job of this.#all<SimulatedJob>("jobs")) {
      const attempt = this.#attemptOf(job);
      if (attempt === undefined) continue;
      jobs.set(attemptText(attempt), job);
      const isWaiting = !withPod.has(job.metadata.uid) && job.status?.conditions === undefined;
      if (isWaiting && job.metadata.deletionTimestamp === undefined) {
        hold(nodeOfTemplate(job), podRequest(job.spec.template.spec));
        holdIn(poolOf(job), podRequest(job.spec.template.spec));
      }
    }
    for (const pod of pods) {
      const node = pod.spec.nodeName ?? nodeOfTemplate({ spec: { template: { spec: pod.spec } } });
      if (isOver(pod)) continue;
      hold(node, podRequest(pod.spec));
      holdIn(poolOf(pod), podRequest(pod.spec));
    }
    for (const pool of this.#all<ResourcePool>("resourcepools")) {
      for (const start of openStartsOf(pool)) {
        if (!this.#stillOpen(start, jobs)) continue;
        hold(start.node, amountsOf(start.request));
        holdIn(this.#poolOfTask(start.taskUid), amountsOf(start.request));
      }
    }
    for (const { metadata, spec } of this.#all<ResourcePool>("resourcepools")) {
      this.#judgeLimit(metadata.name, amountsOf(spec.limit), held.get(`pool ${metadata.name}`) ?? {});
    }
    for (const node of this.#all<SimulatedNode>("nodes")) {
      const sum = held.get(node.metadata.name) ?? {};
      const allocatable = amountsOf(node.status?.allocatable);
      for (const [resource, amount] of Object.entries(sum)) {
        if (node.status !== undefined && amount > (allocatable[resource] ?? 0)) {
          this.#say("S4", `${node.metadata.name} holds ${amount} of ${allocatable[resource]} ${resource}`);
        }
      }
    }
  }

  /** Over its limit a pool may only shrink: the limit may have been lowered under what runs. */
  #judgeLimit(pool: string, limit: Amounts, held: Amounts): void {
    const before = this.#heldBy.get(pool) ?? {};
    for (const [resource, most] of Object.entries(limit)) {
      const now = held[resource] ?? 0;
      if (now > most && now > (before[resource] ?? 0)) {
        this.#say("S4", `${pool} holds ${now} of ${most} ${resource}, its limit`);
      }
    }
    this.#heldBy.set(pool, held);
  }

  /** The pool and those above it. */
  #lineageOf(name: string): readonly string[] {
    const way: string[] = [];
    for (let next: string | undefined = name; next !== undefined && !way.includes(next); ) {
      way.push(next);
      next = (this.#objects.get(`resourcepools ${next}`) as ResourcePool | undefined)?.spec.parentRef?.name;
    }
    return way;
  }

  #poolOfTask(uid: string): string {
    for (const task of this.#all<PooledTask>("pooledtasks"))
      if (task.metadata.uid === uid) return task.spec.poolRef.name;
    return "";
  }

  /** Its Job may have come and gone since: then it is over, and the pool's status will say so. */
  #stillOpen(start: OpenStart, jobs: ReadonlyMap<string, KubeObject>): boolean {
    const attempt = { task: start.taskUid, shard: start.shard, attempt: start.attempt };
    return (
      !jobs.has(attemptText(attempt)) &&
      // What was created and is gone holds nothing; who would create it anew shows then.
      !this.#created.has(attemptText(attempt)) &&
      !isRecorded(this.#recordsOf(start.taskUid), attempt) &&
      this.#taskIsThere(start.taskUid)
    );
  }
}

/** What stands in an object never changes: a further revision is another object. */
const parsed = new WeakMap<ConfigMap, readonly RecordLine[]>();

function linesIn(segment: ConfigMap): readonly RecordLine[] {
  const known = parsed.get(segment);
  if (known !== undefined) return known;
  const lines = parseRecords(segment.data?.[recordsKey] ?? "").records;
  parsed.set(segment, lines);
  return lines;
}

function attemptOf({ metadata: { labels = {} } }: KubeObject, task: string): AttemptOf | undefined {
  const shard = labels["kube-pool.dev/shard"];
  if (shard === undefined) return undefined;
  return { task, shard: Number(shard), attempt: Number(labels["kube-pool.dev/attempt"]) };
}

function isDisrupted(pod: KubeObject): boolean {
  return (pod as SimulatedPod).status?.conditions?.some(({ type }) => type === "DisruptionTarget") === true;
}

function poolOf({ metadata }: KubeObject): string {
  return metadata.labels?.["kube-pool.dev/pool"] ?? "";
}

function attemptText({ task, shard, attempt }: AttemptOf): string {
  return `${task}/${shard}/${attempt}`;
}

function isRecorded(records: readonly RecordLine[], { shard, attempt }: AttemptOf): boolean {
  return records.some((line) => line.kind === "attempt" && line.shard === shard && line.attempt === attempt);
}

function doneItems(records: readonly RecordLine[]): ReadonlySet<number> {
  return new Set(records.flatMap((line) => (line.kind === "item" && succeeded(line) ? [line.item] : [])));
}

function nodeOfTemplate({ spec }: Pick<SimulatedJob, "spec">): string {
  const affinity = JSON.stringify(spec.template.spec.affinity ?? {});
  return /"metadata\.name","operator":"In","values":\["([^"]+)"/.exec(affinity)?.[1] ?? "";
}
