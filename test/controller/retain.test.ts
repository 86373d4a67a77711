import type { Change } from "@dsl/kube-operator";
import { manualClock } from "@dsl/kube-operator/testing";
import { expect, test } from "vitest";
import type { Applier } from "../../src/controller/apply.ts";
import type { Reporter } from "../../src/controller/report.ts";
import { forgetTheGone } from "../../src/controller/retain.ts";
import { DepartedPods, type Stores } from "../../src/controller/stores.ts";
import type { TaskMemories } from "../../src/controller/task-memory.ts";
import type { PodView } from "../../src/engine/pod-views.ts";

/** One of two operators, that sees Pods of one Job go. */
function aReplica() {
  const clock = manualClock();
  const election = Promise.withResolvers<void>();
  const departed = new DepartedPods();
  const told: ((change: Change<PodView>) => void)[] = [];
  const silent = { onChange() {} };
  const pods = { onChange: (tell: (change: Change<PodView>) => void) => void told.push(tell) };
  forgetTheGone({
    manager: { elected: election.promise },
    stores: { tasks: silent, pools: silent, rounds: silent, quotas: silent, pods, departed } as unknown as Stores,
    memories: {} as TaskMemories,
    applier: {} as Applier,
    reporter: {} as Reporter,
    clock,
  });
  const goes = (uid: string): void => {
    const object = { metadata: { uid }, attempt: { job: "round" } } as unknown as PodView;
    departed.add(object);
    for (const tell of told) tell({ type: "delete", object, initial: false });
  };
  return {
    goes,
    wait: (minutes: number) => clock.advance(minutes * 60_000),
    lead: () => election.resolve(),
    kept: () => departed.of("round").map(({ metadata }) => metadata.uid),
  };
}

test("who stands by keeps the Pods that went in the last minutes, which the leader may not have recorded", async () => {
  const { goes, wait, kept } = aReplica();
  goes("first");
  await wait(4);
  goes("second");
  expect(kept()).toEqual(["first", "second"]);
  await wait(2);
  goes("third");
  expect(kept()).toEqual(["second", "third"]);
});

test("who leads keeps each until its outcome is recorded, however long that takes", async () => {
  const { goes, wait, lead, kept } = aReplica();
  goes("first");
  await wait(4);
  lead();
  await wait(60);
  goes("second");
  expect(kept()).toEqual(["first", "second"]);
});
