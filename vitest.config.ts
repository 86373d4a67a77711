// Three projects: what needs nothing but Node; what needs a real control plane; and the long tests at scale, which
// test/run.ts runs beside the others.
import { defineConfig } from "vitest/config";

// One more try: a busy machine can make a lease or a wait run out. The report says which test needed it.
const onAControlPlane = { testTimeout: 180_000, hookTimeout: 300_000, fileParallelism: false, retry: 1 };

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
          exclude: ["test/e2e/**", ...alone, "**/node_modules/**"],
          // One process for many files: loading the sources anew for each took a third of all the time.
          isolate: false,
          testTimeout: 20_000,
          // Some run real shells and processes, which a busy machine can hold up.
          retry: 1,
        },
      },
      {
        test: {
          ...onAControlPlane,
          name: "e2e",
          globalSetup: "./test/support/shared-control-plane.ts",
          include: ["test/e2e/**/*.test.ts"],
          exclude: ["test/e2e/at-scale.test.ts"],
        },
      },
      { test: { ...onAControlPlane, name: "scale", include: ["test/e2e/at-scale.test.ts", ...alone] } },
    ],
  },
});
