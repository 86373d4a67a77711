// `yardstick placements`: which placement should be the default. Random workloads of four kinds in virtual time, through the
// product's planner with the product's other defaults; every policy meets the same workloads.
import { type Amounts, type Node, type PlacementName, type Pool, placementNames } from "../../src/scheduling/index.ts";
import { measure } from "../../src/simulator/measure.ts";
import { randomFrom, seedOf } from "../../src/simulator/random.ts";
import { type Submission, simulate, type Workload } from "../../src/simulator/simulate.ts";
import { aJob, aMachine } from "./workload.ts";

/** Shards that ask for this, and how many of a hundred tasks are of them. */
interface Kind {
  readonly perCent: number;
  readonly request: Amounts;
}

interface World {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly kinds: readonly Kind[];
}

const machines = (count: number, name: string, allocatable: Amounts): readonly Node[] =>
  Array.from({ length: count }, (_, index) => aMachine(`${name}-${String(index).padStart(2, "0")}`, allocatable));

/** CPUs, and GiB. */
export const worlds: readonly World[] = [
  {
    name: "one shape, many sizes",
    nodes: machines(20, "node", { cpu: 16, memory: 64 }),
    kinds: [1, 2, 4, 8, 16].map((cpu, index) => ({
      perCent: [45, 25, 15, 10, 5][index] ?? 0,
      request: { cpu, memory: 4 * cpu },
    })),
  },
  {
    name: "cpu here, memory there",
    nodes: machines(20, "node", { cpu: 16, memory: 64 }),
    kinds: [
      { perCent: 30, request: { cpu: 2, memory: 2 } },
      { perCent: 30, request: { cpu: 1, memory: 12 } },
      { perCent: 20, request: { cpu: 6, memory: 8 } },
      { perCent: 20, request: { cpu: 2, memory: 32 } },
    ],
  },
  {
    name: "devices on some nodes",
    nodes: [
      ...machines(10, "gpu", { cpu: 64, memory: 256, gpu: 8 }),
      ...machines(10, "plain", { cpu: 64, memory: 256, gpu: 0 }),
    ],
    kinds: [
      { perCent: 40, request: { cpu: 8, memory: 16 } },
      { perCent: 15, request: { cpu: 16, memory: 128 } },
      { perCent: 25, request: { cpu: 4, memory: 16, gpu: 1 } },
      { perCent: 12, request: { cpu: 16, memory: 64, gpu: 4 } },
      { perCent: 8, request: { cpu: 32, memory: 128, gpu: 8 } },
    ],
  },
  {
    name: "small and large nodes",
    nodes: [
      ...machines(16, "small", { cpu: 4, memory: 16 }),
      ...machines(6, "middle", { cpu: 16, memory: 64 }),
      ...machines(3, "large", { cpu: 64, memory: 256 }),
    ],
    kinds: [
      { perCent: 55, request: { cpu: 1, memory: 4 } },
      { perCent: 25, request: { cpu: 4, memory: 8 } },
      { perCent: 15, request: { cpu: 12, memory: 48 } },
      { perCent: 5, request: { cpu: 48, memory: 128 } },
    ],
  },
];

const taskCount = 250;
/** Of what there is of the resource that is asked for most, so much is asked for in the time in which tasks arrive. */
const load = 0.95;
const minuteMs = 60_000;

/** Tasks of 1 to 30 shards that last 1 to 30 minutes each, short ones more often; they arrive at random. */
function workloadOf({ name, nodes, kinds }: World, seed: number): Workload {
  const random = randomFrom(seedOf(seed, name));
  const logarithmic = (least: number, most: number): number => Math.round(least * (most / least) ** random());
  const drawn = Array.from({ length: taskCount }, () => {
    const hundredth = 100 * random();
    const kind = kinds.find((_, index) => hundredth < upTo(kinds, index)) ?? kinds[0];
    return {
      request: kind?.request ?? {},
      shards: logarithmic(1, 30),
      durationMs: logarithmic(minuteMs, 30 * minuteMs),
    };
  });
  const lastMs = spanOf(drawn, nodes);
  const arrivals = drawn.map(() => Math.round(lastMs * random())).sort((a, b) => a - b);
  const submissions = drawn.map(({ request, shards, durationMs }, index): Submission => {
    const task = aJob(index, "all", request, {
      created: arrivals[index] ?? 0,
      waiting: [{ start: 0, end: shards }],
      expected: { likelyMs: durationMs, limitMs: 2 * durationMs },
    });
    return { task, durationMs: () => durationMs };
  });
  return { pools: [], nodes, submissions };
}

function upTo(kinds: readonly Kind[], index: number): number {
  return kinds.slice(0, index + 1).reduce((sum, { perCent }) => sum + perCent, 0);
}

function spanOf(
  drawn: readonly { readonly request: Amounts; readonly shards: number; readonly durationMs: number }[],
  nodes: readonly Node[],
): number {
  const spans = ["cpu", "memory", "gpu"].map((resource) => {
    const there = nodes.reduce((sum, { allocatable }) => sum + (allocatable[resource] ?? 0), 0);
    const wanted = drawn.reduce(
      (sum, { request, shards, durationMs }) => sum + (request[resource] ?? 0) * shards * durationMs,
      0,
    );
    return there === 0 ? 0 : wanted / there;
  });
  return Math.max(...spans) / load;
}

export interface PlacementResult {
  readonly world: string;
  readonly placement: PlacementName;
  /** Means over the seeds. */
  readonly boundedSlowdown: number;
  readonly meanFirstStartMinutes: number;
  /** Of the kind that asks for most. */
  readonly meanFirstStartOfLargestMinutes: number;
  readonly makespanHours: number;
  readonly utilizationPercent: number;
  /** In how many of the runs its bounded slowdown was no larger than under BinPack. */
  readonly asGoodAsBinPack: number;
  readonly runs: number;
}

export function comparePlacements(seeds: number, among = worlds): readonly PlacementResult[] {
  return among.flatMap((world) => {
    const workloads = Array.from({ length: seeds }, (_, index) => workloadOf(world, index + 1));
    const measured = new Map(
      placementNames.map((placement) => [placement, workloads.map((workload) => runOf(workload, placement, world))]),
    );
    const packed = measured.get("BinPack") ?? [];
    return [...measured].map(([placement, runs]): PlacementResult => {
      const mean = (figure: (run: Run) => number): number =>
        Number((runs.reduce((sum, run) => sum + figure(run), 0) / runs.length).toFixed(2));
      return {
        world: world.name,
        placement,
        boundedSlowdown: mean(({ boundedSlowdownMilli }) => boundedSlowdownMilli / 1000),
        meanFirstStartMinutes: mean(({ meanFirstStartMs }) => meanFirstStartMs / minuteMs),
        meanFirstStartOfLargestMinutes: mean(({ largestMs }) => largestMs / minuteMs),
        makespanHours: mean(({ makespanMs }) => makespanMs / minuteMs / 60),
        utilizationPercent: mean(({ utilizationPercent }) => utilizationPercent),
        asGoodAsBinPack: runs.filter(
          (run, index) => run.boundedSlowdownMilli <= (packed[index]?.boundedSlowdownMilli ?? 0),
        ).length,
        runs: seeds,
      };
    });
  });
}

type Run = ReturnType<typeof measure> & { readonly largestMs: number };

function runOf({ nodes, submissions }: Workload, placement: PlacementName, { kinds }: World): Run {
  const pool: Pool = {
    name: "all",
    uid: "all",
    created: 0,
    order: ["Priority", "FirstCome"],
    placement,
    backfill: { policy: "Easy", candidates: "ShortestFirst" },
  };
  const workload: Workload = { pools: [pool], nodes, submissions };
  const run = simulate(workload);
  if (run.unfinished.length > 0) throw new Error(`${placement} left ${run.unfinished.length} tasks behind`);
  const largest = kinds.at(-1)?.request;
  const starts = new Map<string, number>();
  for (const { task, startedAt } of run.ran) starts.set(task, Math.min(starts.get(task) ?? Infinity, startedAt));
  const waits = submissions
    .filter(({ task }) => task.request === largest)
    .map(({ task }) => (starts.get(task.key) ?? 0) - task.created);
  return { ...measure(workload, run), largestMs: waits.reduce((a, b) => a + b, 0) / Math.max(1, waits.length) };
}
