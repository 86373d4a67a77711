// Everything at once, as a seed has it: kills, a refused or lost write here and there, people who suspend and resume,
// Pods of others. What has to hold at every revision holds, and every item gets its result.
import { seededRandom } from "@dsl/kube-operator/testing";
import { expect, test } from "vitest";
import { aCluster } from "../support/simulated-cluster.ts";
import { happenings } from "../support/simulated-cluster-faults.ts";
import type { Interceptor } from "../support/simulated-cluster-operator.ts";

const seeds = Array.from({ length: 8 }, (_, index) => index + 1);
const tasks = ["alpha", "beta", "gamma"];
const itemCount = 12;

test.each(seeds)("seed %i ends with every result, once", async (seed) => {
  const random = seededRandom(seed);
  const choose = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const cluster = await aCluster()
    .withNodes(2, { cpu: 3 })
    .withProgram(({ index, attempt, task }) =>
      (index + task.length) % 4 === 0 && attempt === 1
        ? { exit: 1, ms: 500 }
        : { result: `${index}`, ms: 500 + ((index * 37) % 11) * 200 },
    )
    .withOperators()
    .start();
  const intercept: Interceptor = (write, send, operator) => {
    const what =
      random() < 0.04 ? choose(["conflict", "server error", "reset before", "reset after"] as const) : undefined;
    const happening: Interceptor = what === undefined ? (_, go) => go() : happenings[what];
    return happening(write, send, operator);
  };
  cluster.startOperator({ name: "operator-1", intercept });
  for (const [index, name] of tasks.entries()) {
    await cluster.task(name, {
      items: { range: { end: itemCount } },
      chunk: { size: 1 + (index % 3) },
      retries: 2,
      priority: index,
    });
  }
  for (let turn = 0; turn < 8; turn += 1) {
    await cluster.run(random() * 4);
    const name = choose(tasks);
    const deed = choose(["kill", "kill", "suspend", "less", "nothing"]);
    if (deed === "kill") cluster.restart(intercept);
    if (deed === "suspend") {
      await cluster.change(name, { suspend: true });
      await cluster.run(random() * 3);
      await cluster.change(name, { suspend: false });
    }
    if (deed === "less") await cluster.change(name, { parallelism: 1 + Math.floor(random() * 3) });
  }
  for (const name of tasks) await cluster.finish(name, { withinSeconds: 900 });
  await cluster.settle();

  const all = Array.from({ length: itemCount }, (_, item) => `${item}`);
  for (const name of tasks) {
    expect(cluster.condition(name, "Succeeded"), name).toBe("True Succeeded");
    expect(cluster.results(name), name).toEqual(all);
  }
  expect([...cluster.history.violations(), ...cluster.leftovers()]).toEqual([]);
});
