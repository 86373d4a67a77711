// docs/scheduling.md is what the planner does: its worked examples are read from the page and planned.
import { describe, expect, test } from "vitest";
import { effectivePool } from "../src/api/effective-pool.ts";
import { resourcePoolSpec, sharesOf } from "../src/api/resource-pool.ts";
import {
  adviseNow,
  boundedSlowdownMilli,
  defaultOrder,
  noAttempts,
  type OrderName,
  observeAt,
  orderNames,
  type PlacementName,
  planPool,
  recommendationTypes,
  startStatistics,
  statisticsOf,
  taskStatistics,
  withAttempt,
} from "../src/scheduling/index.ts";
import { poolExplanationLines } from "../src/view/pool-explanation.ts";
import { poolRow } from "../src/view/pool-row.ts";
import { rowsIn, section } from "./support/pages.ts";
import { aPool, expectPlan, noon, type PoolBuilder, seconds } from "./support/scheduling.ts";

const page = "docs/scheduling.md";
const bare = (cell = ""): string => cell.replaceAll("`", "");

/** A table, and how many CPUs the text before it says the one node has. */
interface Example {
  readonly cpus: number;
  readonly head: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
}

/** All tables of pools under a heading: those that say below which other each of them is. */
function examplesUnder(heading: string): readonly Example[] {
  const examples: Example[] = [];
  let cpus = 0;
  for (const block of section(page, heading).split("\n\n")) {
    const said = /one node of (\d+) CPUs/.exec(block.replaceAll("\n", " "))?.[1];
    if (said !== undefined) cpus = Number(said);
    const [first = ""] = block.split("\n");
    if (!first.startsWith("| pool | below |")) continue;
    const head = first.split("|").map((cell) => cell.trim());
    const rows = rowsIn(block).map((cells) =>
      Object.fromEntries(cells.map((cell, index) => [head[index + 1] ?? "", bare(cell)])),
    );
    examples.push({ cpus, head, rows });
  }
  return examples;
}

function planted({ cpus, rows }: Example): PoolBuilder {
  const [root, ...children] = rows;
  let builder = aPool()
    .withNodes(1, { cpu: cpus })
    .withPool({ name: root?.pool ?? "" });
  children.forEach(({ pool = "", below, reservation, limit, shares, expandable }, age) => {
    const weight = sharesOf((shares || "Normal") as "Normal");
    builder = builder.withChild(pool, {
      created: noon - seconds(1000 - age),
      ...(below && { parent: below }),
      ...(reservation && { reservation: { cpu: Number(reservation) } }),
      ...(limit && { limit: { cpu: Number(limit) } }),
      ...(expandable && { expandableReservation: expandable === "yes" }),
      shares: weight,
    });
  });
  return builder;
}

describe("the tables of pools", () => {
  const all = [...examplesUnder("Pools of pools"), ...examplesUnder("vSphere's own examples")];
  const divided = examplesUnder("Pools of pools").filter(({ head }) => head.includes("gets"));
  const reserved = examplesUnder("vSphere's own examples").filter(({ head }) => head.includes("paid"));

  test("are all read", () => {
    expect(all.every(({ cpus }) => cpus > 0)).toBe(true);
    expect(divided).toHaveLength(4);
    expect(reserved).toHaveLength(5);
  });

  test.each(divided)("divide %# as they say", (example) => {
    const wanting = example.rows.filter(({ wants }) => wants !== "0");
    const tasks = wanting.map(({ pool = "", wants }) => [`of-${pool}`, { pool, cpu: 1, shards: Number(wants) }]);
    const { decisions } = planPool(planted(example).withTasks(Object.fromEntries(tasks)).snapshot, noon);
    const got = example.rows.map(({ pool }) => ({
      pool,
      gets: String(decisions.filter(({ task }) => task === `lab/of-${pool}`).length),
    }));
    expect(got).toEqual(example.rows.map(({ pool, gets }) => ({ pool, gets })));
  });

  test.each(reserved)("pay the reservations %# as they say", (example) => {
    const { problems = [] } = planPool(planted(example).snapshot, noon);
    const paid = example.rows.map(({ pool, reservation }) => ({
      pool,
      paid: reservation === "" ? "" : problems.some((problem) => problem.pool === pool) ? "no" : "yes",
    }));
    expect(paid).toEqual(example.rows.map(({ pool, paid: said }) => ({ pool, paid: said })));
  });
});

describe("whose turn it is", () => {
  const [words, examples] = [
    rowsIn(section(page, "Whose turn it is")).filter((row) => row.length === 3),
    rowsIn(section(page, "Whose turn it is")).filter((row) => row.length === 2),
  ];

  test("the orders are those that a pool may name, and which of them move", () => {
    expect(words.map(([word]) => bare(word))).toEqual(orderNames);
    const chain = resourcePoolSpec.shape.queue.unwrap().shape.order.unwrap().element.options;
    expect(words.map(([word]) => bare(word))).toEqual(chain);
    expect(section(page, "Whose turn it is")).toContain(`Absent, it is \`[${defaultOrder.join(", ")}]\``);
    expect(effectivePool("lab", { stopPolicy: "None" }).order).toEqual(defaultOrder);
  });

  test.each(examples)("with %s the shards start as it says", (order = "", starts = "") => {
    const pool = aPool()
      .withNodes(1, { cpu: 4 })
      .ordering(...(bare(order).slice(1, -1).split(", ") as OrderName[]))
      .withTasks({ a: { cpu: 1, shards: 4 }, b: { cpu: 1, shards: 4 } });
    const { decisions } = planPool(pool.snapshot, noon);
    expect(decisions.map(({ task }) => task)).toEqual(
      bare(starts)
        .split(" ")
        .map((name) => `lab/${name}`),
    );
  });
});

test("who passes the head is as its example says", () => {
  const backfill = (policy: "Easy" | "None") =>
    expectPlan(
      aPool()
        .withNodes(2, { cpu: 4 })
        .withPool({ backfill: { policy, candidates: "ShortestFirst" } })
        .withTasks({
          busy: { cpu: 2, running: ["node-1", "node-2"], expected: { likelyMs: 40_000, limitMs: 40_000 } },
          large: { shards: 1, cpu: 4 },
          small: { shards: 1, cpu: 1, expected: { likelyMs: 10_000, limitMs: 10_000 } },
          long: { shards: 3, cpu: 1, expected: { likelyMs: 3_600_000 } },
        }),
    );
  backfill("Easy")
    .starts({ small: [0], long: [0, 1] })
    .waits({ large: "PoolFull", long: "HeldForHead" });
  backfill("None").starts({}).waits({ large: "NoNodeFits", small: "BehindOthers", long: "BehindOthers" });
  const rows = rowsIn(section(page, "Who passes the head")).filter(([task = ""]) => /^`(large|small|long)`/.test(task));
  expect(rows.map((row) => row.slice(2))).toEqual([
    ["`PoolFull`", "`NoNodeFits`"],
    ["starts", "`BehindOthers`"],
    ["two start on the other node, then `HeldForHead`", "`BehindOthers`"],
  ]);
});

test("whose shards stop is as its example says", () => {
  const ran = (cpu: number, seconds: number) => ({
    node: "node-1",
    request: { cpu: cpu * 1000, pods: 1 },
    since: noon - seconds * 1000,
  });
  expectPlan(
    aPool()
      .withPool({ preemption: { withinPool: "LowerPriority", reclaim: "Never" } })
      .withNodes(1, { cpu: 4 })
      .withTasks({
        small: { cpu: 1, running: [ran(1, 100), ran(1, 110)] },
        large: { cpu: 2, running: [ran(2, 150)] },
        high: { cpu: 2, shards: 1, priority: 1 },
      }),
  ).stops({ "large/0": "Preempted" });
  const rows = rowsIn(section(page, "Stopping work for others")).filter((row) => row.length === 3);
  expect(rows).toEqual([
    ["`small`, two shards of 1 CPU", "100 s and 110 s", "210 s of work would be lost"],
    ["`large`, one shard of 2 CPUs", "150 s", "it is stopped"],
  ]);
});

describe("where a shard goes, and the numbers", () => {
  test("its worked example of placement is what each policy does", () => {
    const [, , , ...policies] = rowsIn(section(page, "Where a shard goes"));
    const offered = resourcePoolSpec.shape.placement.unwrap().options;
    expect(policies.map(([name]) => name).sort()).toEqual(offered.map((name) => `\`${name}\``).sort());
    for (const name of offered) {
      const row = policies.find(([first]) => first === `\`${name}\``);
      const nodes = [...(row?.[2] ?? "").matchAll(/`(\w+)`/g)].map(([, node = ""]) => node);
      const pool = aPool()
        .withNode("a", { cpu: 8 })
        .withNode("b", { cpu: 8 }, { foreign: { cpu: 5 } })
        .withNode("c", { cpu: 4 })
        .withTasks({ work: { shards: 4, cpu: 1 } });
      expectPlan(pool.placing(name)).places({ work: nodes });
    }
  });

  test("its worked example of placements that learn is what they do", () => {
    const where = '{"nodeSelector":{},"tolerations":[]}';
    const train = `[{"cpu":2000,"nvidia.com/gpu":1,"pods":1},${where}]`;
    const build = `[{"cpu":4000,"pods":1},${where}]`;
    const memory = { turn: 0, turns: {}, used: {}, holding: {}, usedAt: noon, kinds: { [train]: 30, [build]: 10 } };
    const rows = rowsIn(section(page, "Placements that learn")).filter(([, , left = ""]) => /^\d$/.test(left));
    expect(rows).toHaveLength(3);
    for (const [name = "", nodes = "", left] of rows) {
      const pool = aPool()
        .withNode("gpu", { cpu: 8, "nvidia.com/gpu": 2 })
        .withNode("plain", { cpu: 12 })
        .withPool({ memory, placement: name.replaceAll("`", "") as PlacementName })
        .withTasks({ build: { shards: 4, cpu: 4 } });
      const places = [...nodes.matchAll(/`(\w+)`/g)].map(([, node = ""]) => node);
      expectPlan(pool).places({ build: places });
      const cpuLeft = 8 - 4 * places.filter((node) => node === "gpu").length;
      expect(left).toBe(String(Math.min(2, cpuLeft / 2)));
    }
  });

  test("its worked example of a task's numbers comes out of the fold", () => {
    const facts = [
      { decidedAt: 1000, startedAt: 3000, endedAt: 13_000, workMs: 10_000, lostMs: 0 },
      { decidedAt: 1000, startedAt: 4000, endedAt: 12_000, workMs: 0, lostMs: 8000 },
      { decidedAt: 13_000, startedAt: 15_000, endedAt: 23_000, workMs: 8000, lostMs: 0 },
    ].reduce(withAttempt, noAttempts(0));
    const { parallelismMilli: _, ...expected } = taskStatistics(facts);
    const rows = rowsIn(section(page, "The numbers")).filter(([, value = ""]) => /^\d+$/.test(value));
    expect(Object.fromEntries(rows.map(([field = "", value]) => [field.replaceAll("`", ""), Number(value)]))).toEqual(
      expected,
    );
  });

  test("its worked example of a pool's numbers comes out of the change points", () => {
    const at = (allocated: number) => ({ resources: { cpu: { available: 3000, allocated } }, shares: [] });
    const state = observeAt(observeAt(startStatistics(0), 0, at(3000)), 60_000, at(1000));
    const text = section(page, "The numbers");
    expect(text).toContain(`**${statisticsOf(state, 120_000).utilizationPercent}** percent`);
    expect(text).toContain(`told as **${boundedSlowdownMilli(100_000, 180_000, 9)}**`);
  });
});

describe("what would help", () => {
  test("is in the example what the planner finds", () => {
    const { snapshot } = aPool()
      .withNodes(1, { cpu: 4 })
      .withTasks({ work: { cpu: 4, shards: 4, running: ["node-1"], expected: { likelyMs: seconds(600) } } });
    const recommendations = adviseNow(snapshot, planPool(snapshot, noon), noon);
    const pool = poolRow({ metadata: { name: "lab", creationTimestamp: "" } } as Parameters<typeof poolRow>[0]);
    const lines = poolExplanationLines({ pool, recommendations }).slice(-3);
    const [, shown = ""] = /```\n(.*?)\n```/s.exec(section(page, "What would help")) ?? [];
    expect(lines.map(({ label, text }) => `${`${label}:`.padEnd(9)}   ${text}`)).toEqual(shown.split("\n"));
  });

  test("is of these kinds", () => {
    const rows = rowsIn(section(page, "What would help"));
    expect(rows.map(([type]) => bare(type)).sort()).toEqual([...recommendationTypes].sort());
  });
});
