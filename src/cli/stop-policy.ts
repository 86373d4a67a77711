// `kubectl pool stop`, `drain` and `start`: whether the tasks of a pool, and of the pools below it, run. Three words for
// one field.
import type { StopPolicy } from "../api/pool-words.ts";
import type { ResourcePool } from "../api/resource-pool.ts";
import type { Options } from "./arguments.ts";
import { resourcePools } from "./kinds.ts";
import { objectFormats, objectText } from "./output.ts";
import { fetchPool, poolArguments } from "./pools.ts";
import type { ExitStatus, Session, Verb } from "./verb.ts";

const options = {
  output: { short: "o", value: "FORMAT", choices: objectFormats, help: "print the changed pool instead of a sentence" },
} as const satisfies Options;

const usage = "POOL…";

export const stop: Verb = {
  name: "stop",
  summary: "let nothing new start in a pool",
  usage,
  description: `Nothing new starts in the pool and in the pools below it; what runs goes on to its end. Waiting tasks say
PoolStopped.`,
  options,
  examples: [
    { does: "Before nodes are taken away", command: "kubectl pool stop lab" },
    { does: "Let it run again", command: "kubectl pool start lab" },
  ],
  run: (session) => setPolicy(session, "Stop"),
};

export const drain: Verb = {
  name: "drain",
  summary: "stop all that runs in a pool",
  usage,
  description: `Nothing new starts in the pool and in the pools below it, and what runs is stopped, without counting it as a
retry. Items that were running begin again when the pool is started.`,
  options,
  examples: [
    { does: "Empty a pool now", command: "kubectl pool drain lab" },
    { does: "Let it run again", command: "kubectl pool start lab" },
  ],
  run: (session) => setPolicy(session, "StopAndDrain"),
};

export const start: Verb = {
  name: "start",
  summary: "let a stopped pool run again",
  usage,
  description: "Takes back stop and drain: tasks start again, unless a pool above it is stopped too.",
  options,
  examples: [
    { does: "Let it run again", command: "kubectl pool start lab" },
    { does: "Several at once", command: "kubectl pool start students staff" },
  ],
  run: (session) => setPolicy(session, "None"),
};

async function setPolicy(session: Session, policy: StopPolicy): Promise<ExitStatus> {
  const { arguments: args, terminal } = session;
  const names = poolArguments(args.positionals);
  const cluster = await session.connect();
  let status: ExitStatus = 0;
  for (const name of names) {
    try {
      const pool = await fetchPool(cluster, name);
      const operations = [{ op: "add", path: "/spec/stopPolicy", value: policy }] as const;
      const isSame = (pool.spec.stopPolicy ?? "None") === policy;
      const changed = isSame ? pool : await cluster.api.patch(resourcePools, { name }, { type: "json", operations });
      const format = args.text("output");
      const text =
        format === undefined ? `resourcepool/${name} ${said(pool, policy)}\n` : await objectText(changed, format);
      terminal.stdout.write(text);
    } catch (error) {
      terminal.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
      status = 1;
    }
  }
  return status;
}

function said({ spec, status }: ResourcePool, policy: StopPolicy): string {
  const { running = 0, starting = 0, waiting = 0 } = status?.shards ?? {};
  const active = shards(running + starting);
  const was = spec.stopPolicy ?? "None";
  switch (policy) {
    case "Stop":
      return was === policy ? "is stopped already" : `stopped: nothing new starts; ${active} run on`;
    case "StopAndDrain":
      return was === policy ? "is being drained already" : `drained: ${active} are being stopped`;
    case "None":
      return was === policy ? "is not stopped" : `started with ${shards(waiting)} waiting`;
  }
}

function shards(count: number): string {
  return count === 1 ? "1 shard" : `${count} shards`;
}
