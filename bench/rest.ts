// A quiet operator: a pool, a task that has ended, one that waits for ever. Nothing but the lease may be written.
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pooledTasks } from "../src/api/pooled-task.ts";
import { openGround, ownClusterFlags } from "./cluster.ts";
import { countIn, type Scenario } from "./scenario.ts";
import { pooledTask, runPooledTask, shortPod } from "./workload.ts";

/** What follows from the last change: a status that was put off for a second, statistics of the minute. */
const calmMs = 75_000;

export const rest: Scenario = {
  about: "what the operator writes while nothing happens; five minutes of it",
  flags: { seconds: "300", ...ownClusterFlags, nodes: "10" },
  onDemand: true,
  async run(flags) {
    const audit = join(tmpdir(), `kube-pool-bench-audit-${process.pid}.log`);
    const ground = await openGround(flags, { audit });
    try {
      const operator = await ground.startOperator?.({ KUBE_POOL_LEADER_ELECTION: "on" });
      await runPooledTask(ground, "ended", 50);
      await ground.api.create(pooledTasks, pooledTask(ground, "waits", 3, { ...shortPod, cpu: "1000" }));
      await new Promise((resolve) => setTimeout(resolve, calmMs));
      const before = await writesOfOperator(audit);
      await new Promise((resolve) => setTimeout(resolve, countIn(flags, "seconds") * 1000));
      const after = await writesOfOperator(audit);
      await operator?.stop();
      return {
        seconds: countIn(flags, "seconds"),
        writes: after.others - before.others,
        leaseWrites: after.leases - before.leases,
      };
    } finally {
      await ground.close();
    }
  },
};

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string };
}

const reading = new Set(["get", "list", "watch"]);

async function writesOfOperator(audit: string): Promise<{ readonly others: number; readonly leases: number }> {
  const found = { others: 0, leases: 0 };
  for (const line of (await readFile(audit, "utf8")).split("\n")) {
    if (line === "" || !line.endsWith("}")) continue;
    const { verb, user, objectRef }: AuditEvent = JSON.parse(line);
    if (reading.has(verb) || user.username !== "system:serviceaccount:kube-pool-system:kube-pool") continue;
    if (objectRef?.resource === "leases") found.leases++;
    else found.others++;
  }
  return found;
}
