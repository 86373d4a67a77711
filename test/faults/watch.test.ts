// Family E of the fault suite: whatever becomes of the watch of one kind, each engine brings the work to the same end, no
// result is lost or counted twice, and nothing is left behind.
import { expect, test } from "vitest";
import { everyEngine } from "../controller/engines.ts";
import { aCluster } from "../support/simulated-cluster.ts";
import { watchesWith, watchFaults } from "./watch-faults.ts";

const kinds = ["pooledtasks", "resourcepools", "jobs", "pods", "nodes"];
const plans = everyEngine.flatMap((engine) => kinds.map((kind) => ({ engine, kind })));

test.each(plans)(
  "$engine.name: whatever becomes of the watch of $kind, the work ends the same",
  { timeout: 300_000 },
  async ({ engine, kind }) => {
    const problems: string[] = [];
    for (const [what, fault] of Object.entries(watchFaults)) {
      const cluster = await aCluster()
        .withEngine(engine)
        .withNodes(2, { cpu: 2 })
        .withProgram(({ item, attempt }) => (item === "3" && attempt === 1 ? { exit: 1 } : { result: item, ms: 1500 }))
        .withOperators()
        .start();
      const { watches, begin } = watchesWith(fault, kind, () => cluster);
      cluster.startOperator({ name: "operator-1", watches });
      await cluster.until(() => cluster.poolStatus().queue?.term !== undefined);
      begin();
      await cluster.task("work", { items: { range: { end: 10 } }, retries: 1 });
      try {
        await cluster.finish("work", { withinSeconds: 400 });
        await cluster.settle();
        expect(cluster.results("work")).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`));
        expect(cluster.condition("work", "Succeeded")).toBe("True Succeeded");
        expect([...cluster.history.violations(), ...cluster.leftovers()]).toEqual([]);
      } catch (error) {
        problems.push(`${what}: ${error}`);
      }
      for (const operator of cluster.operators) operator.kill();
    }
    expect(problems).toEqual([]);
  },
);
