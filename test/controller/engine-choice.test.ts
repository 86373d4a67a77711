// Which engine a task begins with, and when its Pods may go past the Kubernetes scheduler.
import { expect, test } from "vitest";
import {
  type ChoiceFacts,
  engineChoice,
  engineOf,
  nodesWithoutTaint,
  type PoolFacts,
  tolerationOf,
} from "../../src/controller/engine-choice.ts";

const taint = { key: "kube-pool.dev/pool", value: "own", effect: "NoSchedule" } as const;
const own: PoolFacts = { name: "own", sharing: "Exclusive", nodes: [{ name: "node-1", taints: [taint] }] };
const chosen = (traits: Partial<ChoiceFacts>): string => {
  const { name, binding, reason } = engineOf({
    choice: engineChoice("Managed"),
    rounds: [],
    hasJobs: false,
    recorded: undefined,
    pool: own,
    template: {},
    ...traits,
  });
  return `${name}/${binding}: ${reason}`;
};

test("Pods are created on their nodes where these are the pool's alone and nothing needs the scheduler", () => {
  expect(chosen({})).toMatch(/^Managed\/Direct: ResourcePool own is Exclusive/);
  expect(chosen({ choice: engineChoice("Managed/Direct") })).toMatch(/^Managed\/Direct/);
});

test.each<[string, Partial<ChoiceFacts>, RegExp]>([
  ["others place Pods there too", { pool: { ...own, sharing: "Shared" } }, /own is Shared/],
  [
    "a node lacks the taint",
    { pool: { ...own, nodes: [{ name: "node-2", taints: [] }] } },
    /node node-2 does not carry/,
  ],
  [
    "a claim is bound late",
    { template: { volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }] } },
    /persistentVolumeClaim/,
  ],
  [
    "Pods are to be spread",
    {
      template: {
        topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }],
      },
    },
    /topologySpreadConstraints/,
  ],
  ["the operator is configured so", { choice: engineChoice("Managed/Scheduler") }, /configured/],
])("the scheduler has the last word where %s, whatever was asked for", (_, traits, why) => {
  expect(chosen({ choice: engineChoice("Managed/Direct"), ...traits })).toMatch(/^Managed\/Scheduler/);
  expect(chosen(traits)).toMatch(why);
});

test("a task keeps what it began with: its Jobs tell, then its status, then the configuration", () => {
  const round = { binding: "Direct", bindingReason: "as it was" };
  const recorded = { name: "Managed", binding: "Scheduler", reason: "recorded" } as const;
  expect(chosen({ choice: engineChoice("Native"), rounds: [round], recorded })).toBe("Managed/Direct: as it was");
  expect(chosen({ hasJobs: true, recorded })).toMatch(/^Native\/Scheduler/);
  expect(chosen({ choice: engineChoice("Native"), recorded })).toBe("Managed/Scheduler: recorded");
  expect(chosen({ choice: engineChoice("Native") })).toMatch(/^Native\/Scheduler/);
});

test("the pool's own Pods tolerate its taint, and a node that carries another pool's is named", () => {
  expect(tolerationOf(own)).toEqual([{ ...taint, operator: "Equal" }]);
  expect(tolerationOf({ ...own, sharing: "Shared" })).toEqual([]);
  const nodes = [...own.nodes, { name: "node-2", taints: [{ ...taint, value: "other" }] }];
  expect(nodesWithoutTaint({ ...own, nodes })).toEqual(["node-2"]);
  expect(nodesWithoutTaint({ ...own, nodes, sharing: "Shared" })).toEqual([]);
});
