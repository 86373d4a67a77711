import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../src/clock.ts";
import { memoryKubeApi, serveKubeApi } from "../testing/index.ts";
import { readmeOperatorSuite, readmeProgram, readmeProject } from "./readme-operator.ts";

test("a complete operator has 30 lines, each as wide as a line of code may be", () => {
  const lines = readmeProgram()
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("import "));
  expect(lines.length).toBeLessThanOrEqual(30);
  expect(lines.filter((line) => line.length > 120)).toEqual([]);
});

test("its types are right", () => {
  const folder = readmeProject();
  const root = join(import.meta.dirname, "../../..");
  const compilerOptions = { composite: false, emitDeclarationOnly: false, noEmit: true, types: ["node"] };
  const config = { extends: join(root, "tsconfig.base.json"), compilerOptions, files: ["operator.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const { stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  expect(stdout).toBe("");
});

readmeOperatorSuite("on an API server in memory", async () => {
  const api = memoryKubeApi({ clock: systemClock });
  const server = await serveKubeApi(api);
  const folder = mkdtempSync(join(tmpdir(), "readme kubeconfig "));
  const kubeconfig = join(folder, "config");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "memory",
    contexts: [{ name: "memory", context: { cluster: "memory" } }],
    clusters: [{ name: "memory", cluster: { server: server.connection.server } }],
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const stop = async (): Promise<void> => {
    await server.close();
    rmSync(folder, { recursive: true });
  };
  return { api, kubeconfig, stop };
});
