// One control plane for all files of a project that want none for themselves: its start costs more than most of what they
// ask. The first that asks for it starts it; it goes with the run.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { type Cluster, controlPlaneIn, newDataDir, startControlPlane, stopControlPlane } from "./control-plane.ts";
import { startWithCrds } from "./installed.ts";
import { install } from "./operator-process.ts";

declare module "vitest" {
  interface ProvidedContext {
    readonly sharedDataDir: string;
  }
}

/** Of the project, before its first file. Runs in another process than the files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await newDataDir();
  project.provide("sharedDataDir", dataDir);
  return () => stopControlPlane(dataDir);
}

/** Without nodes, with our CRDs and no policies. */
export function sharedControlPlane(): Promise<Cluster> {
  return startedOnce((dataDir) => startWithCrds(dataDir));
}

/** With 100 simulated nodes and all that users install. Whoever uses it leaves neither pools nor tasks nor taints there. */
export function sharedSimulatedNodes(): Promise<Cluster> {
  return startedOnce(async (dataDir) => {
    const cluster = await startControlPlane({ dataDir, nodes: "kwok:100" });
    await install(cluster);
    return cluster;
  });
}

/** Files run one after the other, so there is no race for the first. */
async function startedOnce(start: (dataDir: string) => Promise<Cluster>): Promise<Cluster> {
  const dataDir = inject("sharedDataDir");
  const installed = join(dataDir, "installed");
  if (existsSync(installed)) return controlPlaneIn(dataDir);
  const cluster = await start(dataDir);
  await writeFile(installed, "");
  return cluster;
}
