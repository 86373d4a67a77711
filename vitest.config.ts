// Three projects, which test/run.ts runs beside each other: what needs nothing but Node; what needs a real control plane;
// and what needs many nodes that are simulated. A fourth, what newcomers do first, takes longer and is run after them.
import { defineConfig } from "vitest/config";

// One more try: a busy machine can make a lease or a wait run out. The report says which test needed it.
const onAControlPlane = {
  testTimeout: 180_000,
  hookTimeout: 300_000,
  fileParallelism: false,
  retry: 1,
  // Most of what is asked for again and again is a process each time.
  expect: { poll: { interval: 500 } },
  globalSetup: "./test/support/shared-control-plane.ts",
};

const onSimulatedNodes = ["at-scale", "managed", "pools", "reclaim"].map((name) => `test/e2e/${name}.test.ts`);

// Measures its own process, which nothing else may be in.
const alone = ["packages/kube-operator/test/sync.test.ts"];

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/closing-line.ts"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts", "packages/*/test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/clones/**", ...alone, "**/node_modules/**"],
          // One process for many files: loading the sources anew for each took a third of all the time.
          isolate: false,
          // Also on two cores: what is run beside them is not always busy.
          maxWorkers: 2,
          // What hangs fails; what is only slow, on a machine that others use too, does not.
          testTimeout: 120_000,
          // Some run real shells and processes, which a busy machine can hold up.
          retry: 1,
        },
      },
      {
        test: {
          ...onAControlPlane,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          exclude: onSimulatedNodes,
        },
      },
      { test: { ...onAControlPlane, name: "simulated", include: [...onSimulatedNodes, ...alone] } },
      { test: { name: "clones", include: ["test/clones/**/*.test.ts"], testTimeout: 1_200_000 } },
    ],
  },
});
