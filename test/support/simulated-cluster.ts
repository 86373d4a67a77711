// A whole cluster in memory and in virtual time, with the real operator in it: an API server, kube's Job controller,
// scheduler and kubelets as far as the operator can tell, and a test that owns the time.
import { conditionOf, controllerOf, type KubeObject, type Manifest, type Patch } from "@dsl/kube-operator";
import { manualClock, memoryKubeApi } from "@dsl/kube-operator/testing";
import { pooledTaskCrd, resourcePoolCrd } from "../../src/api/crds.ts";
import { openStartsOf } from "../../src/api/open-starts.ts";
import type { PooledTask, PooledTaskStatus } from "../../src/api/pooled-task.ts";
import { type ItemRecord, parseRecords, type RecordLine, recordsKey, succeeded } from "../../src/api/records.ts";
import type { ResourcePoolStatus } from "../../src/api/resource-pool.ts";
import { automatic, type EngineChoice } from "../../src/controller/engine-choice.ts";
import { ClusterHistory } from "./simulated-cluster-history.ts";
import { type JobTraits, runJobController } from "./simulated-cluster-jobs.ts";
import { type Program, runKubelets, squares } from "./simulated-cluster-kubelet.ts";
import { addNode, runNodeLifecycle, runScheduler, setReady } from "./simulated-cluster-nodes.ts";
import { OperatorProcess, type OperatorTraits, type OperatorWrite } from "./simulated-cluster-operator.ts";
import {
  configMaps,
  createWorld,
  namespaces,
  nodes,
  pods,
  pooledTasks,
  quotas,
  resourcePools,
  type SimulatedJob,
  type SimulatedPod,
  type World,
} from "./simulated-cluster-world.ts";
import { aTemplate, aWrittenTask } from "./tasks.ts";

/** Tasks live here unless a test says otherwise. */
export const namespace = "lab";

/** How finely `until` looks. */
const lookMs = 100;
/** Without a change for so long, nothing is under way any more. */
const quietMs = 8_000;

/** Without what only people read: a cluster is begun hundreds of times. */
const crds: readonly Manifest[] = JSON.parse(
  JSON.stringify([resourcePoolCrd(), pooledTaskCrd()], (field, value) =>
    field === "description" && typeof value === "string" ? undefined : value,
  ),
);

interface NodeWish {
  readonly name: string;
  readonly size: Readonly<Record<string, number | string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export class ClusterBuilder {
  readonly #nodes: NodeWish[] = [];
  readonly #pools: Manifest[] = [];
  #namespaces: readonly { readonly name: string; readonly labels?: Readonly<Record<string, string>> }[] = [
    { name: namespace },
  ];
  #program: Program = squares;
  #traits: JobTraits = {};
  #operators: readonly OperatorTraits[] = [{ name: "operator-1" }];
  #choice: EngineChoice = automatic;

  withNodes(count: number, size: NodeWish["size"], labels: NodeWish["labels"] = {}): this {
    for (let left = count; left > 0; left -= 1) {
      this.#nodes.push({ name: `node-${this.#nodes.length + 1}`, size, labels });
    }
    return this;
  }

  withPool(name: string, spec: object = {}): this {
    this.#pools.push(aPool(name, spec));
    return this;
  }

  withNamespace(name: string, labels: Readonly<Record<string, string>> = {}): this {
    this.#namespaces = [...this.#namespaces.filter((each) => each.name !== name), { name, labels }];
    return this;
  }

  /** What a container computes of an item; absent: its square. */
  withProgram(program: Program): this {
    this.#program = program;
    return this;
  }

  withJobController(traits: JobTraits): this {
    this.#traits = traits;
    return this;
  }

  /** What operators begin tasks with. */
  withEngine(choice: EngineChoice): this {
    this.#choice = choice;
    return this;
  }

  withOperators(...operators: readonly OperatorTraits[]): this {
    this.#operators = operators;
    return this;
  }

  async start(): Promise<SimulatedCluster> {
    const clock = manualClock();
    const api = memoryKubeApi({ clock, crds, fieldOwnership: false });
    const world = createWorld(api, clock);
    const cluster = new SimulatedCluster(world, this.#program, this.#traits, this.#choice);
    for (const { name, labels } of this.#namespaces) {
      await api.create(namespaces, {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name, ...(labels && { labels }) },
      });
    }
    for (const { name, size, labels } of this.#nodes) await addNode(world, name, size, labels);
    for (const pool of this.#pools) await api.create(resourcePools, pool);
    for (const operator of this.#operators) cluster.startOperator(operator);
    return cluster;
  }
}

/** Without a pool of its own yet; `aCluster` has one named lab, open to every namespace. */
export function anEmptyCluster(): ClusterBuilder {
  return new ClusterBuilder();
}

export function aCluster(): ClusterBuilder {
  return anEmptyCluster().withPool("lab");
}

function aPool(name: string, spec: object): Manifest {
  return {
    apiVersion: "kube-pool.dev/v1alpha1",
    kind: "ResourcePool",
    metadata: { name },
    spec: { namespaceSelector: {}, ...spec },
  };
}

export class SimulatedCluster {
  readonly world: World;
  readonly history: ClusterHistory;
  readonly operators: OperatorProcess[] = [];
  readonly badImages = new Set<string>();
  program: Program;
  readonly #choice: EngineChoice;

  constructor(world: World, program: Program, traits: JobTraits, choice: EngineChoice) {
    this.world = world;
    this.#choice = choice;
    this.program = program;
    this.history = new ClusterHistory(world);
    runJobController(world, traits);
    runScheduler(world);
    runNodeLifecycle(world);
    runKubelets(world, { program: () => this.program, badImages: this.badImages });
  }

  get api(): World["api"] {
    return this.world.api;
  }

  get now(): number {
    return this.world.clock.now();
  }

  // ---- operators

  startOperator(traits: OperatorTraits): OperatorProcess {
    const operator = new OperatorProcess(this.world.api, this.world.clock, { choice: this.#choice, ...traits });
    this.operators.push(operator);
    return operator;
  }

  /** The one that lives; the first of several. */
  get operator(): OperatorProcess {
    const living = this.operators.find((operator) => !operator.isDead);
    if (living === undefined) throw new Error("no operator lives");
    return living;
  }

  /** SIGKILL, and a new process that knows nothing. */
  restart(intercept?: OperatorTraits["intercept"]): OperatorProcess {
    for (const operator of this.operators) operator.kill();
    return this.startOperator({ name: `operator-${this.operators.length + 1}`, ...(intercept && { intercept }) });
  }

  get writes(): readonly OperatorWrite[] {
    return this.operators.flatMap(({ writes }) => writes);
  }

  // ---- what people do

  /** A task of range 0 to 3 in pool lab, with the fields given. */
  async task(name: string, spec: Record<string, unknown> = {}, home = namespace): Promise<PooledTask> {
    const { cpu, ...fields } = spec;
    const template = aTemplate(cpu === undefined ? {} : { resources: { requests: { cpu: `${cpu}` } } });
    const manifest = aWrittenTask(name, { template, ...fields });
    return await this.api.create(pooledTasks, {
      ...manifest,
      metadata: { name, namespace: home },
    } as unknown as Manifest);
  }

  async change(name: string, spec: Record<string, unknown>, home = namespace): Promise<void> {
    await this.api.patch(pooledTasks, { namespace: home, name }, { type: "merge", body: { spec } });
  }

  async delete(name: string, home = namespace): Promise<void> {
    await this.api.delete(pooledTasks, { namespace: home, name });
  }

  async pool(name: string, spec: object = {}): Promise<void> {
    await this.api.create(resourcePools, aPool(name, spec));
  }

  async configMap(name: string, data: Readonly<Record<string, string>>, more: object = {}): Promise<void> {
    await this.api.create(configMaps, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace },
      data,
      ...more,
    });
  }

  async changeConfigMap(name: string, data: Readonly<Record<string, string | null>>): Promise<void> {
    const patch: Patch = { type: "merge", body: { data } };
    await this.api.patch(configMaps, { namespace, name }, patch);
  }

  async quota(name: string, hard: Readonly<Record<string, string>>): Promise<void> {
    await this.api.create(quotas, {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name, namespace },
      spec: { hard },
    });
  }

  async changeQuota(name: string, hard: Readonly<Record<string, string>>): Promise<void> {
    await this.api.patch(quotas, { namespace, name }, { type: "merge", body: { spec: { hard } } });
  }

  /** Somebody else's Pod, that runs on until it is deleted. */
  async foreignPod(name: string, node: string, cpu: string): Promise<void> {
    await this.api.create(pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "kube-system" },
      spec: { nodeName: node, containers: [{ name: "main", image: "other", resources: { requests: { cpu } } }] },
    });
  }

  async loseNode(name: string): Promise<void> {
    await setReady(this.api, name, "Unknown", {}, this.now);
  }

  async removeNode(name: string): Promise<void> {
    await this.api.delete(nodes, { name });
  }

  async addNode(name: string, size: NodeWish["size"]): Promise<void> {
    await addNode(this.world, name, size);
  }

  // ---- time

  async run(seconds: number): Promise<void> {
    await this.world.clock.advance(seconds * 1000);
    this.#check();
  }

  async until(isSo: () => boolean, { withinSeconds = 60 } = {}): Promise<void> {
    const deadline = this.now + withinSeconds * 1000;
    await this.world.clock.advance(0);
    while (!isSo()) {
      if (this.now >= deadline) throw new Error(`not so within ${withinSeconds} s: ${isSo}\n${this.describe()}`);
      await this.world.clock.advance(lookMs);
      this.#check();
    }
  }

  /** Until nothing has changed for a while; what changes with the clock alone must not go on for ever. */
  async settle({ withinSeconds = 900 } = {}): Promise<void> {
    const deadline = this.now + withinSeconds * 1000;
    // Leases are renewed for ever, and are not part of the history.
    for (let before = -1; before !== this.history.length; ) {
      if (this.now >= deadline) throw new Error(`not at rest within ${withinSeconds} s\n${this.describe()}`);
      before = this.history.length;
      await this.world.clock.advance(quietMs);
      this.#check();
    }
  }

  #check(): void {
    const [mistake] = this.world.mistakes;
    if (mistake !== undefined) throw mistake;
    for (const { errors } of this.operators) {
      // What the language throws is a mistake of ours; all else is the world's.
      const broken = errors.find((error) => /^(Type|Range|Reference)Error$/.test((error as Error).name));
      if (broken !== undefined) throw broken;
    }
  }

  // ---- what there is to see

  see(name: string, home = namespace): PooledTask | undefined {
    return this.world.tasks.get({ namespace: home, name });
  }

  status(name: string, home = namespace): PooledTaskStatus {
    return this.see(name, home)?.status ?? {};
  }

  poolStatus(name = "lab"): ResourcePoolStatus {
    return this.world.pools.get({ name })?.status ?? {};
  }

  condition(name: string, type: string): string | undefined {
    const condition = conditionOf(this.status(name).conditions ?? [], type);
    return condition && `${condition.status} ${condition.reason}`;
  }

  isFinished(name: string): boolean {
    return this.condition(name, "Finished")?.startsWith("True") === true;
  }

  async finish(name: string, { withinSeconds = 300 } = {}): Promise<void> {
    await this.until(() => this.isFinished(name), { withinSeconds });
  }

  /** As they were recorded, in order; tasks that are gone have none. */
  records(name: string): readonly RecordLine[] {
    const uid = this.see(name)?.metadata.uid;
    return this.segments(name).flatMap(({ metadata, data }) =>
      metadata.ownerReferences?.some((owner) => owner.uid === uid)
        ? parseRecords(data?.[recordsKey] ?? "").records
        : [],
    );
  }

  segments(name: string): World["configMaps"] extends { list(): readonly (infer T)[] } ? readonly T[] : never {
    const number = (object: KubeObject): number => Number(/-(\d+)$/.exec(object.metadata.name)?.[1]);
    return this.world.configMaps
      .list()
      .filter((each) => new RegExp(`^${name}-[0-9a-f]{6}-results-\\d+$`).test(each.metadata.name))
      .sort((a, b) => number(a) - number(b));
  }

  /** Results by item; undefined where there is none. */
  results(name: string): readonly (string | undefined)[] {
    const found: (string | undefined)[] = [];
    for (const line of this.records(name)) if (line.kind === "item" && succeeded(line)) found[line.item] = line.result;
    return [...found];
  }

  itemRecords(name: string, item: number): readonly ItemRecord[] {
    return this.records(name).filter((line): line is ItemRecord => line.kind === "item" && line.item === item);
  }

  attempts(name: string): readonly string[] {
    return this.records(name).flatMap((line) =>
      line.kind === "attempt" ? [`${line.shard}/${line.attempt} ${line.outcome}`] : [],
    );
  }

  jobs(name: string): readonly SimulatedJob[] {
    return this.world.jobs.list().filter((job) => job.metadata.labels?.["kube-pool.dev/task"] === name);
  }

  /** What each attempt lives and dies with: a Job of its own, or a Pod of a Job that attempts share. */
  attemptObjects(name: string): readonly KubeObject[] {
    const isAttempt = ({ metadata }: KubeObject): boolean =>
      new RegExp(`^${name}-[0-9a-f]{6}-\\d+-\\d+$`).test(metadata.name);
    return [...this.jobs(name), ...this.pods(name)].filter(isAttempt);
  }

  pods(name: string): readonly SimulatedPod[] {
    return this.world.pods.list().filter((pod) => pod.metadata.labels?.["kube-pool.dev/task"] === name);
  }

  running(name: string): readonly SimulatedPod[] {
    return this.pods(name).filter(({ status }) => status?.phase === "Running");
  }

  /** What should not be there any more once all is at rest. */
  leftovers(): readonly string[] {
    const tasks = new Map(this.world.tasks.list().map((task) => [task.metadata.uid, task]));
    const ownerless = [...this.world.jobs.list(), ...this.world.configMaps.list()].flatMap((object) => {
      const owner = controllerOf(object);
      if (owner?.kind !== "PooledTask") return [];
      if (!tasks.has(owner.uid)) return [`${object.metadata.name} outlived its task`];
      const isEnded = this.isFinished(owner.name);
      return isEnded && (object.metadata.finalizers ?? []).length > 0 ? [`${object.metadata.name} is still held`] : [];
    });
    const open = this.world.pools
      .list()
      .flatMap(openStartsOf)
      .map(({ task, shard, attempt }) => `the open start of ${task} ${shard}/${attempt} is still there`);
    const deleting = [...tasks.values()].filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    return [...ownerless, ...open, ...deleting.map(({ metadata }) => `${metadata.name} is still being deleted`)];
  }

  describe(): string {
    const tasks = this.world.tasks.list().map(({ metadata, status }) => {
      const { conditions = [], queue, items } = status ?? {};
      const held = conditions.map(({ type, status: is, reason }) => `${type}=${is} ${reason}`).join(", ");
      return `task ${metadata.name}: ${items?.succeeded}/${items?.total}; ${held}; ${queue?.reason}: ${queue?.message}${metadata.deletionTimestamp === undefined ? "" : "; being deleted"}`;
    });
    const jobs = this.world.jobs.list().map(({ metadata, status }) => {
      const ends = status?.conditions?.map(({ type }) => type) ?? [];
      return `job ${metadata.name} ${ends} ${metadata.deletionTimestamp ?? ""} ${metadata.finalizers ?? ""}`;
    });
    const errors = this.operators.flatMap((operator) => operator.errors.map((error) => `${operator.name}: ${error}`));
    return [...tasks, ...jobs.slice(0, 20), ...errors.slice(-5)].join("\n");
  }
}
