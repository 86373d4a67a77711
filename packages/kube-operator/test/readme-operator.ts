// Runs the operator of README.md, line by line as it stands there, against whatever API server a suite brings.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isConflict, isNotFound, type KubeApi } from "../src/kube-api.ts";
import { leases } from "../src/lease.ts";
import type { KubeObject, Resource } from "../src/object.ts";
import { eventually } from "../testing/index.ts";

export interface ReadmeWorld {
  readonly api: KubeApi;
  /** The file by which the operator reaches the same API server. */
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

interface Greeting extends KubeObject {
  readonly status?: { readonly text?: string };
}
interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}
const group = "example.dev";
const greetings: Resource<Greeting> = { group, version: "v1", kind: "Greeting", plural: "greetings", namespaced: true };
const configMaps: Resource<ConfigMap> = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
};
const limitMs = 60_000;

export function readmeProgram(): string {
  const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
  const program = /^```ts operator\.ts\n(.*?)^```$/ms.exec(readme)?.[1];
  if (program === undefined) throw new Error("README.md has no block `ts operator.ts`");
  return program;
}

/** A folder in which the program finds this workspace's packages. */
export function readmeProject(): string {
  const folder = mkdtempSync(join(tmpdir(), "readme operator "));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "operator.ts"), readmeProgram());
  symlinkSync(join(import.meta.dirname, "../../../node_modules"), join(folder, "node_modules"));
  return folder;
}

export function readmeOperatorSuite(where: string, start: () => Promise<ReadmeWorld>): void {
  describe(`the operator of the README, ${where}`, () => {
    const folder = readmeProject();
    const children: ChildProcess[] = [];
    let world: ReadmeWorld;

    const operate = (): ChildProcess => {
      const env = { ...process.env, KUBECONFIG: world.kubeconfig, HEALTH_PORT: "0", KUBERNETES_SERVICE_HOST: "" };
      const child = spawn(process.execPath, [join(folder, "operator.ts")], { env, stdio: "inherit" });
      children.push(child);
      return child;
    };
    const greet = (name: string): Promise<Greeting> =>
      world.api.create(greetings, {
        apiVersion: "example.dev/v1",
        kind: "Greeting",
        metadata: { namespace: "default", name },
        spec: { name },
      });
    const isGreeted = async (name: string): Promise<boolean> => {
      const key = { namespace: "default", name };
      const greeting = await world.api.get(greetings, key);
      return greeting.status?.text === `Hello, ${name}!`;
    };

    beforeAll(async () => {
      world = await start();
    });
    afterAll(async () => {
      for (const child of children) child.kill("SIGKILL");
      rmSync(folder, { recursive: true });
      await world?.stop();
    });

    test("greets, keeps what it made, and hands over to a second one", { timeout: 3 * limitMs }, async () => {
      const first = operate();
      // Until its kind is there and served, the API server says 404.
      await eventually(() => greet("world").then(() => true, onNotFound), limitMs);
      await eventually(() => isGreeted("world"), limitMs);
      const made = { namespace: "default", name: "world" };
      expect((await world.api.get(configMaps, made)).data).toEqual({ text: "Hello, world!" });

      await world.api.delete(configMaps, made);
      await eventually(() => world.api.get(configMaps, made).then(() => true, onNotFound), limitMs);

      const second = operate();
      first.kill("SIGTERM");
      expect(await once(first, "exit")).toEqual([0, null]);
      await greet("moon");
      await eventually(() => isGreeted("moon"), limitMs);
      const { spec } = await world.api.get(leases, { namespace: "default", name: "greeter" });
      expect(spec?.holderIdentity).toMatch(new RegExp(`-${second.pid}$`));
      second.kill("SIGTERM");
      expect(await once(second, "exit")).toEqual([0, null]);
    });
  });
}

function onNotFound(error: unknown): boolean {
  if (isNotFound(error) || isConflict(error)) return false;
  throw error;
}
