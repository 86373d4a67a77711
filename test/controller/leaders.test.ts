// Two operators at once: by the lease one leads; and where a former leader wakes up late, what it still sends does no
// harm, since the pool's status carries the term of the new one.
import { expect, test } from "vitest";
import { aCluster, type SimulatedCluster } from "../support/simulated-cluster.ts";
import type { Program } from "../support/simulated-cluster-kubelet.ts";
import { type Interceptor, type OperatorWrite, writeText } from "../support/simulated-cluster-operator.ts";
import { pods } from "../support/simulated-cluster-world.ts";

const slow: Program = ({ item }) => ({ result: item, ms: 3000 });
const numbers = (end: number): string[] => Array.from({ length: end }, (_, n) => `${n}`);

test("of two operators one works, and the other takes over within the lease when it is killed", async () => {
  const cluster = await aCluster()
    .withNodes(2, { cpu: 2 })
    .withProgram(slow)
    .withOperators({ name: "one", elects: true }, { name: "two", elects: true })
    .start();
  await cluster.task("work", { items: { range: { end: 40 } } });
  await cluster.until(() => (cluster.status("work").items?.succeeded ?? 0) >= 8);
  const leader = cluster.operators.find(({ writes }) => writes.some(({ plural }) => plural === "jobs"));
  const other = cluster.operators.find((operator) => operator !== leader);
  expect(other?.writes.filter(({ plural }) => plural !== "leases")).toEqual([]);

  leader?.kill();
  const killedAt = cluster.now;
  await cluster.until(() => other?.writes.some(({ plural }) => plural === "jobs") === true, { withinSeconds: 30 });
  expect(cluster.now - killedAt).toBeLessThanOrEqual(20_000);
  await cluster.finish("work");
  expect(cluster.results("work")).toEqual(numbers(40));
  expect(cluster.history.violations()).toEqual([]);
});

test("after a clean stop the other takes over at once", async () => {
  const cluster = await aCluster()
    .withNodes(2, { cpu: 2 })
    .withProgram(slow)
    .withOperators({ name: "one", elects: true }, { name: "two", elects: true })
    .start();
  await cluster.task("work", { items: { range: { end: 20 } } });
  await cluster.until(() => cluster.running("work").length > 0);
  const leader = cluster.operators.find(({ writes }) => writes.some(({ plural }) => plural === "jobs"));
  const other = cluster.operators.find((operator) => operator !== leader);
  const ended = leader?.stop();
  await cluster.until(() => other?.writes.some(({ plural }) => plural === "resourcepools") === true, {
    withinSeconds: 5,
  });
  expect(await ended).toBeUndefined();
  await cluster.finish("work");
  expect(cluster.history.violations()).toEqual([]);
});

test("who takes over records what a Pod said that went before its end was recorded", async () => {
  const cluster = await aCluster()
    .withEngine({ name: "Managed", binding: "Auto" })
    .withNodes(1, { cpu: 1 })
    .withProgram(slow)
    .withOperators({ name: "one", elects: true }, { name: "two", elects: true })
    .start();
  await cluster.run(900);
  await cluster.task("work", { items: { range: { end: 1 } } });
  await cluster.until(() => cluster.running("work").length === 1);
  await cluster.run(1);
  cluster.operators.find(({ writes }) => writes.some(({ plural }) => plural === "jobs"))?.kill();
  await cluster.until(() => cluster.pods("work").some(({ status }) => status?.phase === "Succeeded"));
  await cluster.run(1);
  for (const { metadata } of cluster.pods("work")) await cluster.api.delete(pods, metadata, { gracePeriodSeconds: 0 });
  await cluster.finish("work");
  expect(cluster.attempts("work")).toEqual(["0/1 Succeeded"]);
});

/** A first operator is stopped like a machine that sleeps, just before one of its writes; a second one leads meanwhile. */
async function aSleepingLeader(isIt: (write: OperatorWrite) => boolean): Promise<{
  readonly cluster: SimulatedCluster;
  readonly late: OperatorWrite;
  wake(): void;
}> {
  const sleep = Promise.withResolvers<void>();
  let late: OperatorWrite | undefined;
  const intercept: Interceptor = async (write, send, operator) => {
    if (late === undefined && isIt(write)) {
      late = write;
      operator.pause();
      // What it was sending when it fell asleep arrives as it wakes up.
      await sleep.promise;
    }
    return await send();
  };
  const cluster = await aCluster().withNodes(2, { cpu: 2 }).withProgram(slow).withOperators().start();
  const first = cluster.startOperator({ name: "first", intercept });
  await cluster.task("work", { items: { range: { end: 16 } } });
  await cluster.until(() => late !== undefined);
  cluster.startOperator({ name: "second" });
  await cluster.run(7);
  if (late === undefined) throw new Error("it never wrote that");
  return {
    cluster,
    late,
    wake() {
      sleep.resolve();
      first.resume();
    },
  };
}

const isOpenStarts = ({ plural, body }: OperatorWrite): boolean =>
  plural === "resourcepools" && / \d+\/1 node-/.test(JSON.stringify(body));

test.each([
  { what: "its open starts", isIt: isOpenStarts, error: /modified/ },
  {
    what: "a Pod that it had written down",
    isIt: ({ key }: OperatorWrite) => /-\d+-1$/.test(key.name),
    error: /already exists/,
  },
  {
    what: "the status of a task",
    isIt: ({ plural, subresource, body }: OperatorWrite) =>
      plural === "pooledtasks" && subresource === "status" && JSON.stringify(body).includes('"running":4'),
    error: /modified/,
  },
  { what: "records", isIt: ({ plural }: OperatorWrite) => plural === "configmaps", error: /already exists/ },
])("a leader that wakes up late does no harm with $what", async ({ isIt, error }) => {
  const { cluster, late, wake } = await aSleepingLeader(isIt);
  const before = cluster.status("work").items?.succeeded ?? 0;
  wake();
  await cluster.until(() => late.error !== undefined || late.revision !== undefined);
  expect(String(late.error), writeText(late)).toMatch(error);
  await cluster.finish("work");
  await cluster.settle();

  expect(before).toBeGreaterThan(0);
  expect(cluster.operators[0]?.isStopping, "the first one knows that it leads no more").toBe(true);
  expect(cluster.operators[1]?.isStopping).toBe(false);
  expect(cluster.results("work")).toEqual(numbers(16));
  expect([...cluster.history.violations(), ...cluster.leftovers()]).toEqual([]);
});

test.each([
  { what: "written down its starts", isIt: isOpenStarts },
  {
    what: "created its Pods",
    isIt: ({ key }: OperatorWrite) => key.name.endsWith("-3-1"),
  },
  { what: "recorded", isIt: ({ plural }: OperatorWrite) => plural === "configmaps" },
])("a new leader with an old copy does not start anew what the one before had when it had $what", async ({ isIt }) => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 4 })
    .withProgram(({ item }) => ({ result: item, ms: 30_000 }))
    .withOperators()
    .start();
  const intercept: Interceptor = async (write, send, operator) => {
    // What it knows now, the other one knows as well; of what it does the other hears nothing.
    if (write.plural === "pooledtasks") second.lag();
    const answer = await send();
    if (isIt(write)) operator.killAfterAnswer();
    return answer;
  };
  const first = cluster.startOperator({ name: "first", elects: true, intercept });
  await cluster.until(() => cluster.poolStatus().queue?.term !== undefined);
  const second = cluster.startOperator({ name: "second", elects: true });
  await cluster.run(5);
  await cluster.task("work", { items: { range: { end: 12 } } });
  await cluster.until(() => first.isDead);
  await cluster.until(() => second.writes.some(({ plural }) => plural === "resourcepools"), { withinSeconds: 30 });
  await cluster.run(2);
  second.catchUp();
  await cluster.finish("work");
  await cluster.settle();
  expect(cluster.results("work")).toEqual(numbers(12));
  expect([...cluster.history.violations(), ...cluster.leftovers()]).toEqual([]);
});

test("a new leader with an old copy counts what the one before runs, though it would have started something else", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 4 })
    .withProgram(({ item }) => ({ result: item, ms: 60_000 }))
    .withOperators()
    .start();
  const intercept: Interceptor = async (write, send, operator) => {
    const answer = await send();
    const isClosing = write.plural === "resourcepools" && !isOpenStarts(write) && cluster.pods("urgent").length === 4;
    if (isClosing) operator.killAfterAnswer();
    return answer;
  };
  const first = cluster.startOperator({ name: "first", elects: true, intercept });
  await cluster.until(() => cluster.poolStatus().queue?.term !== undefined);
  const second = cluster.startOperator({ name: "second", elects: true });
  await cluster.run(5);
  first.pause();
  await cluster.task("work", { items: { range: { end: 4 } } });
  await cluster.run(2);
  await cluster.task("urgent", { items: { range: { end: 4 } } });
  await cluster.run(1);
  second.lag();
  await cluster.change("urgent", { priority: 10 });
  first.resume();
  await cluster.until(() => first.isDead);
  expect(cluster.poolStatus().queue?.openStarts).toEqual([]);
  await cluster.until(() => second.writes.some(({ plural }) => plural === "resourcepools"), { withinSeconds: 30 });
  await cluster.run(2);
  second.catchUp();
  await cluster.finish("work");
  await cluster.finish("urgent");
  expect(cluster.history.violations()).toEqual([]);
});
