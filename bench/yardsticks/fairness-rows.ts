// The rows of fairness: Dominant Resource Fairness (Ghodsi et al., NSDI'11) and Kueue's fair sharing, through the product's
// tree of pools; what has no counterpart in it, such as a cohort's nominal quotas, through its share function alone.
import { readFileSync } from "node:fs";
import { type Amounts, type Pool, planPool } from "../../src/scheduling/index.ts";
import { weightedShare } from "../../src/scheduling/tree.ts";
import type { YardstickRow } from "./row.ts";
import { aJob, aMachine } from "./workload.ts";

type PerUser<T> = Readonly<Record<string, T>>;

interface ShareCase {
  readonly name: string;
  readonly nominal: Amounts;
  readonly other_nominal: Amounts;
  readonly usage: Amounts;
  readonly workload?: Amounts;
  readonly weight: number;
  readonly share: number | string;
}

interface Cases {
  readonly drf_nsdi11: {
    readonly capacity: Amounts;
    readonly users: PerUser<Amounts>;
    readonly drf: { readonly tasks: PerUser<number> };
  };
  readonly weighted_drf_derived_here: {
    readonly weights: PerUser<number>;
    readonly integer_progressive_filling: { readonly tasks: PerUser<number> };
  };
  readonly drf_theorem1_asset_fairness_counterexample: {
    readonly capacity: readonly number[];
    readonly demand1: readonly number[];
    readonly demand2: readonly number[];
    readonly drf_fluid: { readonly tasks1: number; readonly tasks2: number };
  };
  readonly kueue_dominant_resource_share: readonly ShareCase[];
  readonly kueue_kep1714_story3: {
    readonly shared_quota_gpu: number;
    readonly cohorts: PerUser<{ readonly weight: number; readonly queues: PerUser<number> }>;
    readonly expected_gpu: PerUser<number>;
  };
}

/** One that has more than enough to do, of jobs alike. */
interface User {
  readonly name: string;
  readonly parent?: string;
  readonly weight?: number;
  /** What each of its jobs asks for; absent: it has none of its own. */
  readonly request?: Amounts;
}

export function fairnessRows(file: string): readonly YardstickRow[] {
  const cases: Cases = JSON.parse(readFileSync(file, "utf8"));
  return [...drfRows(cases), ...cases.kueue_dominant_resource_share.flatMap(shareRow), cohortRow(cases)];
}

function drfRows(cases: Cases): readonly YardstickRow[] {
  const { capacity, users, drf } = cases.drf_nsdi11;
  const { weights, integer_progressive_filling } = cases.weighted_drf_derived_here;
  const wholly = cases.drf_theorem1_asset_fairness_counterexample;
  const named = Object.entries(users).map(([name, request]): User => ({ name, request }));
  const weighted = named.map((user): User => ({ ...user, weight: weights[user.name] ?? 1 }));
  const vector = ([cpu = 0, memory = 0]: readonly number[]): Amounts => ({ cpu, memory });
  const pair: readonly User[] = [
    { name: "1", request: vector(wholly.demand1) },
    { name: "2", request: vector(wholly.demand2) },
  ];
  return [
    row("DRF NSDI'11, jobs of A and B", drf.tasks, filled(capacity, named)),
    row("DRF, A of twice the weight, ties to A", { A: 4, B: 1 }, filled(capacity, weighted)),
    row(
      "DRF, A of twice the weight, ties to B",
      integer_progressive_filling.tasks,
      filled(capacity, [...weighted].reverse()),
    ),
    row(
      "DRF, theorem 1, jobs of 1 and 2",
      { 1: wholly.drf_fluid.tasks1, 2: wholly.drf_fluid.tasks2 },
      filled(vector(wholly.capacity), pair),
    ),
  ];
}

function cohortRow({ kueue_kep1714_story3: { shared_quota_gpu: gpu, cohorts, expected_gpu } }: Cases): YardstickRow {
  const users = Object.entries(cohorts).flatMap(([name, { weight, queues }]): readonly User[] => [
    { name, weight },
    ...Object.entries(queues).map(([queue, share]) => ({
      name: queue,
      parent: name,
      weight: share,
      request: { gpu: 1 },
    })),
  ]);
  return row("Kueue, KEP-1714 story 3, GPUs a queue", expected_gpu, filled({ gpu }, users));
}

/** How many jobs of each start when all want more than there is. Where two are equal, the one that stands first is served. */
function filled(capacity: Amounts, users: readonly User[]): PerUser<number> {
  const of = new Map(users.map(({ name }, index) => [name, `${index}-${name}`]));
  const root: Pool = { name: "all", uid: "all", created: 0, order: ["FirstCome"], placement: "FirstFit" };
  const pools = users.map(({ name, parent, weight = 1 }): Pool => {
    const own = of.get(name) ?? name;
    return { ...root, name: own, uid: own, parent: of.get(parent ?? "") ?? "all", shares: 1000 * weight };
  });
  const most = Math.max(...Object.values(capacity));
  const tasks = users.flatMap(({ name, request }, index) =>
    request === undefined ? [] : [aJob(index, of.get(name) ?? name, request, { waiting: [{ start: 0, end: most }] })],
  );
  const { decisions } = planPool({ pools: [root, ...pools], nodes: [aMachine("machine", capacity)], tasks }, 0);
  return Object.fromEntries(
    users
      .filter(({ request }) => request !== undefined)
      .map(({ name }) => [name, decisions.filter(({ task }) => task.startsWith(`${of.get(name)}/`)).length]),
  );
}

function row(name: string, published: PerUser<number>, ours: PerUser<number>): YardstickRow {
  const told = (each: PerUser<number>): string =>
    Object.keys(published)
      .map((user) => `${user} ${each[user]}`)
      .join(" ");
  return {
    name,
    published: told(published),
    ours: told(ours),
    through: "product",
    holds: told(published) === told(ours),
  };
}

/** In thousandths, rounded up. Kueue adds up a resource's flavors, which are nodes' labels here: such a case is no case. */
function shareRow({
  name,
  nominal,
  other_nominal,
  usage,
  workload = {},
  weight,
  share,
}: ShareCase): readonly YardstickRow[] {
  const resources = Object.keys(nominal);
  if (resources.some((resource) => resource.includes("/"))) return [];
  const vector = (amount: (resource: string) => number): Float64Array => Float64Array.from(resources, amount);
  const ours = Math.ceil(
    1000 *
      weightedShare(
        vector((resource) => (usage[resource] ?? 0) + (workload[resource] ?? 0)),
        vector((resource) => nominal[resource] ?? 0),
        vector((resource) => (nominal[resource] ?? 0) + (other_nominal[resource] ?? 0)),
        weight,
      ),
  );
  const told = ours === Number.POSITIVE_INFINITY ? "MaxInt64" : String(ours);
  const through = "the product's share function";
  return [{ name: `Kueue, ${name}`, published: String(share), ours: told, through, holds: told === String(share) }];
}
