// What holds for every stop of work for other work: it is needed, and it leads to the start that it was made for.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Decision,
  type Plan,
  planPool,
  type Snapshot,
  type Start,
  type Task,
} from "../../src/scheduling/index.ts";
import { contested } from "../support/random-snapshots.ts";
import { applied, noon, tableOf } from "../support/scheduling.ts";

const runs = { numRuns: 2000 };

type Stop = Extract<Decision, { readonly kind: "stop" }>;

function madeFor({ decisions }: Plan): readonly Stop[] {
  return decisions.filter((each): each is Stop => each.kind === "stop" && each.for !== undefined);
}

/** One shard that was told to stop has ended, and waits again. */
function ended(snapshot: Snapshot, pick: number): Snapshot {
  const stopping = snapshot.tasks.flatMap((task) =>
    task.active.filter(({ state }) => state === "Stopping").map((shard) => ({ task, shard })),
  );
  const chosen = stopping[pick % stopping.length];
  if (chosen === undefined) return snapshot;
  const without = (task: Task): Task => ({
    ...task,
    hasStarted: true,
    active: task.active.filter((each) => each !== chosen.shard),
    waiting: [...task.waiting, { start: chosen.shard.shard, end: chosen.shard.shard + 1 }],
  });
  return { ...snapshot, tasks: snapshot.tasks.map((task) => (task === chosen.task ? without(task) : task)) };
}

/** The pools with a limit from this one up to the root. */
function limitsOn({ pools }: Pick<Snapshot, "pools">, name: string | undefined): readonly string[] {
  const pool = pools.find((each) => each.name === name);
  if (pool === undefined) return [];
  return [...(pool.limit === undefined ? [] : [pool.name]), ...limitsOn({ pools }, pool.parent)];
}

/** By task, how many places are kept for it. */
const keptIn = ({ memory }: Plan): ReadonlyMap<string, number> =>
  new Map(
    Object.values(memory ?? {}).flatMap(({ claims = [] }) => claims.map(({ task, nodes }) => [task, nodes.length])),
  );

const isStopping = ({ tasks }: Snapshot): boolean =>
  tasks.some(({ active }) => active.some(({ state }) => state === "Stopping"));

test("a preemption leads to the start that it was made for, in whatever order what it stopped ends", () => {
  let stops = 0;
  const leads = fc.property(contested, fc.array(fc.nat(), { minLength: 24, maxLength: 24 }), (snapshot, picks) => {
    const first = planPool(snapshot, noon);
    const made = madeFor(first);
    stops += made.length;
    if (made.length === 0) return;
    const starts: Start[] = [];
    const plans = [first];
    let state = applied(snapshot, first, noon);
    for (const pick of picks) {
      if (!isStopping(state)) break;
      state = ended(state, pick);
      const plan = planPool(state, noon);
      plans.push(plan);
      starts.push(...plan.decisions.filter((each) => each.kind === "start"));
      state = applied(state, plan, noon);
    }
    if (isStopping(state)) return;
    const byUid = new Map(state.tasks.map((task) => [task.uid, task]));
    for (const { claims = [] } of Object.values(first.memory ?? {})) {
      for (const { task: uid, nodes } of claims) {
        const task = byUid.get(uid);
        if (task === undefined || !made.some((stop) => stop.for === task.key)) continue;
        // Only a higher priority of its pool, or another pool that is below its reservation, may take the place.
        const mayTake = (key: string): boolean => {
          const other = state.tasks.find((each) => each.key === key);
          return other !== undefined && (other.pool !== task.pool || other.priority > task.priority);
        };
        // A place is room on its node, and under the limits that both count against.
        const isPlace = ({ node, task: key }: Start): boolean => {
          const shared = limitsOn(snapshot, state.tasks.find((each) => each.key === key)?.pool);
          return nodes.includes(node) || limitsOn(snapshot, task.pool).some((pool) => shared.includes(pool));
        };
        // One such shard may be as large as several places.
        if (starts.some((each) => isPlace(each) && mayTake(each.task))) continue;
        const own = starts.filter((each) => each.task === task.key).length;
        expect(own, plans.map(tableOf).join("")).toBeGreaterThanOrEqual(nodes.length);
      }
    }
  });
  // Where a higher priority took what was left under the limit, and started on another node.
  fc.assert(leads, { seed: -1132109253, path: "487", numRuns: 1 });
  fc.assert(leads, runs);
  expect(stops).toBeGreaterThan(50);
});

test("nobody is stopped who need not be for one shard: with any one of them running on, it would not fit", () => {
  const isNeeded = fc.property(contested, (snapshot) => {
    const plan = planPool(snapshot, noon);
    const victims = madeFor(plan);
    const after = applied(snapshot, plan, noon);
    for (const victim of victims) {
      const owner = snapshot.tasks.find(({ key }) => key === victim.task);
      // One that is given room itself in the same plan passes its loss on: what that stops could have served both.
      if (victims.some((stop) => stop.for === victim.task)) continue;
      // Of a task with a minimum, all may have to go.
      if ((owner?.minParallelism ?? 1) > 1) continue;
      const beneficiary = snapshot.tasks.find(({ key }) => key === victim.for);
      if (beneficiary === undefined || (beneficiary.minParallelism ?? 1) > 1 || owner === undefined) continue;
      const lived = (task: Task): Task => ({
        ...task,
        active: task.active.map((each) =>
          task.key === victim.task && each.shard === victim.shard ? { ...each, state: "Running" } : each,
        ),
      });
      // Place by place the cheapest: what a later place of the same task makes spare is stopped all the same.
      if (keptIn(plan).get(beneficiary.uid) !== 1) continue;
      // Planned again with that one running, the place is not to be had without another stop, or another loses his.
      const again = planPool({ ...after, tasks: after.tasks.map(lived) }, noon);
      const isLost = [...keptIn(plan)].some(([task, count]) => (keptIn(again).get(task) ?? 0) < count);
      expect(madeFor(again).length > 0 || isLost, tableOf(plan) + tableOf(again)).toBe(true);
    }
  });
  // Where a chain of stops once held one that could have been spared.
  for (const [seed, path] of [
    [1000, "977"],
    [1024, "550"],
    [1028, "1475"],
  ] as const) {
    fc.assert(isNeeded, { seed, path, numRuns: 1 });
  }
  fc.assert(isNeeded, runs);
});

test("who is stopped has a lower priority in the same pool, or runs in another one; who is young, only for want of others", () => {
  fc.assert(
    fc.property(contested, (snapshot) => {
      const plan = planPool(snapshot, noon);
      const tasks = new Map(snapshot.tasks.map((task) => [task.key, task]));
      for (const { task, why, for: beneficiary = "" } of madeFor(plan)) {
        const victim = tasks.get(task);
        const winner = tasks.get(beneficiary);
        const isLower = victim?.pool === winner?.pool && (victim?.priority ?? 0) < (winner?.priority ?? 0);
        const isOther = victim?.pool !== winner?.pool;
        expect(why === "Preempted" ? isLower : isOther, tableOf(plan)).toBe(true);
        const pool = snapshot.pools.find(({ name }) => name === winner?.pool);
        expect(why === "Preempted" ? pool?.preemption?.withinPool : pool?.preemption?.reclaim).not.toBe("Never");
      }
    }),
    runs,
  );
});
