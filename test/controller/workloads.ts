// The workloads that faults are tried on; their numbers are those of the design (T4 and T5 come with halt and trees). Small, since each is run hundreds of times.
import { aCluster, anEmptyCluster, type SimulatedCluster } from "../support/simulated-cluster.ts";
import type { Workload } from "../support/simulated-cluster-faults.ts";
import type { Program } from "../support/simulated-cluster-kubelet.ts";

const quick: Program = ({ item }) => ({ result: `${Number(item) ** 2}`, ms: 1500 });
const slow: Program = ({ item }) => ({ result: item, ms: 4000 });

const outcome = (cluster: SimulatedCluster): unknown => ({
  succeeded: cluster.condition("work", "Succeeded"),
  results: cluster.results("work"),
  items: cluster.status("work").items,
  reduced: cluster.status("work").results?.reduced,
});

const started = (cluster: SimulatedCluster): unknown =>
  cluster
    .attemptObjects("work")
    .map(({ metadata }) => metadata.name.replace(/^work-[0-9a-f]{6}-/, ""))
    .sort();

export const oneShard: Workload = {
  name: "T1",
  cluster: () => aCluster().withNodes(1, { cpu: 1 }).withProgram(quick),
  async play(cluster) {
    await cluster.task("work", { items: { range: { end: 1 } }, results: { reduce: "Sum" } });
    await cluster.finish("work");
  },
  end: (cluster) => [outcome(cluster), started(cluster)],
};

export const manyShards: Workload = {
  name: "T2",
  cluster: () => aCluster().withNodes(3, { cpu: 2 }).withProgram(quick),
  async play(cluster) {
    await cluster.task("work", { items: { range: { end: 8 } }, results: { reduce: "Sum" } });
    await cluster.finish("work");
  },
  end: (cluster) => [outcome(cluster), started(cluster)],
};

export const failingItems: Workload = {
  name: "T3",
  cluster: () =>
    aCluster()
      .withNodes(1, { cpu: 2 })
      .withProgram(({ index, attempt }) =>
        index === 2 || (index === 5 && attempt === 1)
          ? { exit: 1, stderr: "no", ms: 300 }
          : { result: `${index}`, ms: 300 },
      ),
  async play(cluster) {
    await cluster.task("work", { items: { range: { end: 8 } }, chunk: { size: 4 }, retries: 1 });
    await cluster.finish("work");
  },
  end: (cluster) => [
    outcome(cluster),
    started(cluster),
    cluster.status("work").failures?.map(({ item, attempts, reason }) => ({ item, attempts, reason })),
  ],
};

/** Chunks cut as they are needed: one of two items hands back the second, which has no room, and an item fails once. */
export const cutAsNeeded: Workload = {
  name: "T3 Auto",
  cluster: () =>
    aCluster()
      .withNodes(1, { cpu: 1 })
      .withProgram(({ index, attempt }) =>
        index === 3 && attempt === 1
          ? { exit: 1, stderr: "no", ms: 300 }
          : { result: `${index}`.padEnd(1 + 1600 * Math.min(index, 2), "."), ms: 300 },
      ),
  async play(cluster) {
    await cluster.task("work", { items: { range: { end: 4 } }, chunk: { size: "Auto" }, retries: 1 });
    await cluster.finish("work");
  },
  // How it is cut rests on when things were seen; what comes out does not.
  end: outcome,
};

export const suspendedAndResumed: Workload = {
  name: "T6",
  cluster: () => aCluster().withNodes(1, { cpu: 2 }).withProgram(slow),
  async play(cluster) {
    await cluster.task("work", { items: { range: { end: 4 } } });
    await cluster.until(() => cluster.running("work").length === 2);
    await cluster.change("work", { suspend: true });
    await cluster.until(() => cluster.condition("work", "Finished") === "False Suspended");
    await cluster.until(() => cluster.running("work").length === 0);
    await cluster.change("work", { suspend: false });
    await cluster.finish("work");
  },
  end: outcome,
};

export const deletedInTheMiddle: Workload = {
  name: "T7",
  cluster: () => aCluster().withNodes(1, { cpu: 2 }).withProgram(slow),
  async play(cluster) {
    await cluster.task("work", { items: { range: { end: 6 } } });
    await cluster.until(
      () => (cluster.status("work").items?.succeeded ?? 0) >= 2 && cluster.running("work").length > 0,
    );
    await cluster.delete("work");
    await cluster.until(() => cluster.see("work") === undefined, { withinSeconds: 120 });
  },
  end: (cluster) => [cluster.jobs("work"), cluster.pods("work"), cluster.segments("work")],
};

/** Killed at every write; the faults of the API are tried on the others. */
export const preempted: Workload = {
  name: "T8",
  cluster: () =>
    anEmptyCluster()
      .withPool("lab", { queue: { preemption: { withinPool: "LowerPriority" } } })
      .withNodes(1, { cpu: 1 })
      .withProgram(slow),
  async play(cluster) {
    await cluster.task("work", { items: { range: { end: 1 } } });
    await cluster.until(() => cluster.running("work").length === 1);
    await cluster.task("urgent", { items: { range: { end: 1 } }, priority: 5 });
    await cluster.finish("urgent");
    await cluster.finish("work");
  },
  end: (cluster) => [
    outcome(cluster),
    // Stopped once, however often the operator was killed.
    cluster.attempts("work").length,
    cluster.condition("urgent", "Succeeded"),
  ],
};

export const workloads = [oneShard, manyShards, failingItems, cutAsNeeded, suspendedAndResumed, deletedInTheMiddle];
