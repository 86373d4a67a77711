import { expect, test } from "vitest";
import type { ResourcePoolStatus } from "../../src/api/resource-pool.ts";
import { at, conditions, shards } from "../view/objects.ts";
import { stage } from "./stage.ts";

const lab: ResourcePoolStatus = {
  nodes: { total: 12, ready: 11, cordoned: 1 },
  resources: [
    { name: "cpu", capacity: "96", foreign: "2500m", allocated: "61", free: "32500m", utilizationPercent: 65 },
  ],
  tasks: { queued: 1, running: 1, suspended: 0 },
  shards: { waiting: 310, starting: 3, running: 58 },
  summary: { cpu: "61/96", tasks: "1 running, 1 queued" },
  conditions: conditions({ Ready: "True" }),
};

async function twoPools() {
  const it = stage();
  await it.createPool("new");
  await it.createPool("lab", lab);
  await it.createTask("last");
  await it.report("last", {
    items: { total: 100, succeeded: 0, failed: 0 },
    queue: { position: 1, reason: "PoolFull", message: "each shard asks for 1 CPU; none is free" },
  });
  await it.createTask("squares");
  await it.report("squares", {
    items: { total: 100, succeeded: 40, failed: 2 },
    shards: shards({ running: 58 }),
    progress: { percent: 42, itemsPerSecondMilli: 5100, estimatedCompletion: at(41 * 60) },
  });
  await it.createTask("over");
  await it.report("over", { conditions: conditions({ Succeeded: "True", Finished: "True" }) });
  await it.createTask("theirs", {}, "team-a");
  return it;
}

test("pools are rows, and below stand the tasks that have not ended: what runs, then the queue", async () => {
  const { run } = await twoPools();
  const { stdout } = await run(["top"]);
  expect(stdout).toMatchInlineSnapshot(`
    "POOL   READY     NODES    CPU      UTIL     QUEUED   RUNNING   SHARDS
    lab    True      11/12    61/96    65%      1        1         58 run, 313 wait
    new    Unknown   <none>   <none>   <none>   <none>   <none>    <none>

    TASK      POOL   DONE     FAILED   SHARDS           REASON     ETA
    squares   lab    40/100   2        58 run, 0 wait   <none>     41m
    last      lab    0/100    0        0 run, 0 wait    PoolFull   <none>
    "
  `);
});

test("what would help a pool stands below the table, and where to read on", async () => {
  const { run, createPool } = stage();
  const advice = { reason: "r", gain: "g", cost: "c" };
  const types = ["AddNodes", "RaiseLimit"] as const;
  await createPool("lab", { ...lab, recommendations: types.map((type) => ({ type, ...advice })) });
  const { stdout } = await run(["top"]);
  expect(stdout.split("\n").at(-2)).toBe("advice for lab: AddNodes, RaiseLimit (kubectl pool explain rpool/lab)");
});

test("-o wide -A tells the reasons, and everybody's tasks", async () => {
  const { run } = await twoPools();
  const { stdout } = await run(["top", "-A", "-o", "wide"]);
  expect(stdout).toMatchInlineSnapshot(`
    "POOL   READY     NODES    CPU      UTIL     QUEUED   RUNNING   SHARDS             RESERVED   AGE   REASON   MESSAGE
    lab    True      11/12    61/96    65%      1        1         58 run, 313 wait   0          0s    <none>   <none>
    new    Unknown   <none>   <none>   <none>   <none>   <none>    <none>             <none>     0s    <none>   <none>

    NAMESPACE   TASK      POOL   DONE     FAILED   SHARDS           REASON     ETA      AGE   MESSAGE
    default     squares   lab    40/100   2        58 run, 0 wait   <none>     41m      0s    <none>
    default     last      lab    0/100    0        0 run, 0 wait    PoolFull   <none>   0s    each shard asks for 1 CPU; none is free
    team-a      theirs    lab    0/0      0        0 run, 0 wait    <none>     <none>   0s    <none>
    "
  `);
});

test("-w on a terminal draws over the last picture; elsewhere a new one is printed when something changed", async () => {
  for (const isTTY of [true, false]) {
    const { start, createPool, report, createTask, clock } = stage();
    await createPool("lab", lab);
    const call = start(["top", "-w"], { isTTY });
    await clock.advance(2000);
    await createTask("squares");
    await report("squares", { items: { total: 1, succeeded: 0, failed: 0 } });
    await clock.advance(2000);
    call.interrupt();
    await clock.advance(0);
    expect(await call.status).toBe(0);
    expect(call.stdout.match(/POOL {3}READY/g)?.length).toBe(isTTY ? 3 : 2);
    expect(call.stdout.includes("\x1b[2A")).toBe(isTTY);
  }
});

test("-o name and -l are kubectl's", async () => {
  const { run } = await twoPools();
  expect((await run(["top", "-o", "name"])).stdout).toBe(
    "resourcepool.kube-pool.dev/lab\nresourcepool.kube-pool.dev/new\n",
  );
  expect((await run(["top", "-l", "team=x"])).stdout).toBe("No pools found.\n");
});
