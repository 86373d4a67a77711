// One control plane without nodes, with our CRDs and no policies, for all files that want none for themselves: its start
// costs more than most of what they ask. The first that asks for it starts it; it goes with the run.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { type Cluster, controlPlaneIn, newDataDir, stopControlPlane } from "./control-plane.ts";
import { startWithCrds } from "./installed.ts";

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

/** Files run one after the other, so there is no race for the first. */
export async function sharedControlPlane(): Promise<Cluster> {
  const dataDir = inject("sharedDataDir");
  const installed = join(dataDir, "installed");
  if (existsSync(installed)) return controlPlaneIn(dataDir);
  const cluster = await startWithCrds(dataDir);
  await writeFile(installed, "");
  return cluster;
}
