// The examples are what they say: every object is accepted and read, every page names its files, and the programs in
// the templates, run by a real shell as a kubelet would run them, print what expected.txt says.
import { type SpawnSyncOptionsWithStringEncoding, type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { KubeObject, Manifest } from "@dsl/kube-operator";
import { manualClock, memoryKubeApi } from "@dsl/kube-operator/testing";
import { afterAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { itemsOfShard, shardCount } from "../src/api/chunks.ts";
import { pooledTaskCrd, resourcePoolCrd } from "../src/api/crds.ts";
import { configMapText, type Items, itemsOf } from "../src/api/items.ts";
import { type PooledTask, type PooledTaskSpec, parsePooledTask, pooledTasks } from "../src/api/pooled-task.ts";
import { isProblem, problemsText } from "../src/api/problem.ts";
import { parseResourcePool, resourcePools } from "../src/api/resource-pool.ts";
import { type ConfigMap, configMaps } from "../src/controller/record-log.ts";
import { reductionOf } from "../src/controller/reduce.ts";
import { type PlacedItem, shardForm } from "../src/engine/engine.ts";
import { podTemplate } from "../src/engine/pod.ts";
import { lineResults, messageBytesMax, singleResult, wrapperRecords } from "../src/engine/termination-message.ts";
import { contextOf } from "./engine/builders.ts";
import { expanded, type Shell, shells } from "./engine/shells.ts";
import { aCluster } from "./support/simulated-cluster.ts";

const root = resolve(import.meta.dirname, "../examples");
const names = readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
const filesOf = (name: string): string[] => readdirSync(join(root, name)).filter((file) => file !== "README.md");
const read = (name: string, file: string): string => readFileSync(join(root, name, file), "utf8");
const expectedOf = (name: string): string[] => read(name, "expected.txt").trimEnd().split("\n");

function manifestsOf(name: string): Manifest[] {
  const yaml = filesOf(name).filter((file) => file.endsWith(".yaml"));
  return yaml.flatMap((file) => parseAllDocuments(read(name, file)).map((document) => document.toJS() as Manifest));
}

const kinds = new Map(
  [resourcePools, pooledTasks, configMaps].map((resource) => [resource.kind, resource as typeof configMaps]),
);

/** As an API server stores them: checked by the schema, with its defaults. */
async function stored(name: string): Promise<KubeObject[]> {
  const crds = [resourcePoolCrd(), pooledTaskCrd()] as unknown as Manifest[];
  const api = memoryKubeApi({ clock: manualClock(), crds });
  const objects: KubeObject[] = [];
  for (const manifest of manifestsOf(name)) {
    const resource = kinds.get(String(manifest.kind));
    if (resource === undefined) throw new Error(`${name}: no example needs a ${manifest.kind}`);
    const namespace = resource.namespaced ? { namespace: "default" } : {};
    objects.push(await api.create(resource, { ...manifest, metadata: { ...manifest.metadata, ...namespace } }));
  }
  return objects;
}

function problemsOf(object: KubeObject): string[] {
  const parse = { ResourcePool: parseResourcePool, PooledTask: parsePooledTask }[object.kind];
  const reading = parse?.(object);
  return reading === undefined || reading.ok ? [] : [problemsText(reading.problems)];
}

describe.each(names)("examples/%s", (name) => {
  test("has objects that the API server accepts and the operator reads", async () => {
    const objects = await stored(name);
    expect(objects.flatMap(problemsOf)).toEqual([]);
    expect(objects.filter(({ kind }) => kind === "PooledTask")).toHaveLength(name === "two-teams" ? 2 : 1);
  });

  test("has a page that names each of its files, and is in the list of examples", () => {
    const page = read(name, "README.md");
    expect(filesOf(name)).toContain("expected.txt");
    expect(filesOf(name).filter((file) => !page.includes(`\`${file}\``))).toEqual([]);
    expect(read(".", "README.md")).toContain(`[${name}](${name}/README.md)`);
  });

  test("runs in the pool lab or below it, with busybox, a tenth of a CPU a shard", async () => {
    const { spec } = await exampleOf(name);
    const [container] = spec.template.spec.containers;
    expect(spec.poolRef.name).toBe(name === "two-teams" ? "students" : "lab");
    expect(container).toMatchObject({ image: "busybox:1.35", resources: { requests: { cpu: "100m" } } });
  });
});

interface Example {
  readonly task: PooledTask;
  readonly spec: PooledTaskSpec;
  readonly items: Items;
  readonly configMaps: readonly ConfigMap[];
}

async function exampleOf(name: string): Promise<Example> {
  const objects = await stored(name);
  const found = objects.filter(({ kind }) => kind === "ConfigMap") as ConfigMap[];
  const task = objects.findLast(({ kind }) => kind === "PooledTask") as PooledTask;
  const reading = parsePooledTask(task);
  if (!reading.ok) throw new Error(problemsText(reading.problems));
  const items = itemsOf(reading.spec.items, (ref) =>
    configMapText(
      found.find(({ metadata }) => metadata.name === ref.name),
      ref,
      0,
    ),
  );
  if (isProblem(items)) throw new Error(items.message);
  return { task: { ...task, spec: reading.spec }, spec: reading.spec, items, configMaps: found };
}

interface PodSpec {
  readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
  readonly containers: readonly {
    readonly command: readonly string[];
    readonly args?: readonly string[];
    readonly env: readonly { readonly name: string; readonly value?: string }[];
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
    readonly terminationMessagePath: string;
  }[];
}

/** A shard's container as a plain process in a folder of its own, where its paths lead. */
class Node {
  readonly #shell: Shell;
  readonly #folder = mkdtempSync(join(tmpdir(), "kube-pool-example-"));

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  run(example: Example, shard: number, attempt: number, items: readonly PlacedItem[]): Run {
    const manifest = podTemplate(contextOf(example.task), { shard, attempt, node: "node-1", items });
    const spec = manifest.spec as unknown as PodSpec;
    const [container] = spec.containers;
    if (container === undefined) throw new Error("no container");
    this.remove();
    mkdirSync(this.#folder);
    const places = new Map([[container.terminationMessagePath, join(this.#folder, "message")]]);
    for (const { name, mountPath } of container.volumeMounts) {
      const volume = join(this.#folder, name);
      places.set(mountPath, volume);
      mkdirSync(volume, { recursive: true });
      const source = spec.volumes.find((each) => each.name === name)?.configMap?.name;
      const data = example.configMaps.find(({ metadata }) => metadata.name === source)?.data ?? {};
      for (const [key, text] of Object.entries(data)) writeFileSync(join(volume, key), text);
      const lines = manifest.metadata.annotations["kube-pool.dev/items"];
      if (name === "kube-pool-items" && lines !== undefined) writeFileSync(join(volume, "lines"), lines);
    }
    const here = (text: string): string => [...places].reduce((all, [from, to]) => all.replaceAll(from, to), text);
    const env: Record<string, string> = { PATH: this.#shell.path };
    for (const { name, value = "uid" } of container.env) env[name] = here(expanded(value, env));
    const words = [...container.command, ...(container.args ?? [])].map((word) => here(expanded(word, env)));
    const { status, stderr } = this.#spawn(words, env);
    const message = places.get(container.terminationMessagePath) ?? "";
    return { exit: status ?? 255, stderr, message: existsSync(message) ? readFileSync(message, "utf8") : "" };
  }

  /** What an image has as /bin/sh is this shell; all else is found on its path. */
  #spawn([program = "", ...rest]: readonly string[], env: Record<string, string>): SpawnSyncReturns<string> {
    const isShell = program === "sh" || program === "/bin/sh";
    const [command = "", ...first] = isShell ? this.#shell.command : [program];
    // Nothing to read, as in a container: with a socket there, bash takes itself for a remote shell and reads ~/.bashrc.
    const options: SpawnSyncOptionsWithStringEncoding = {
      env,
      stdio: ["ignore", "pipe", "pipe"],
      encoding: "utf8",
      timeout: 20_000,
    };
    return spawnSync(command, [...first, ...rest], options);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Run {
  readonly exit: number;
  readonly stderr: string;
  readonly message: string;
}

/** The results of one shard whose program ends well. */
function resultsOf(example: Example, run: Run, count: number): readonly string[] {
  expect(run, run.stderr).toMatchObject({ exit: 0 });
  switch (shardForm(example.spec.chunk)) {
    case "Single":
      return [singleResult(run.message, messageBytesMax(1)).result ?? ""];
    case "Each":
      return (wrapperRecords(run.message)?.records ?? []).map(({ result }) => result ?? "");
    case "Whole":
      return [lineResults(run.message, count, messageBytesMax(1))].flat();
  }
}

/** The examples that are run here have chunks of one size. */
function fixedSize({ chunk }: Example["spec"]): number {
  if (chunk.size === "Auto") throw new Error("chunks of this example are cut by the operator");
  return chunk.size;
}

function placed({ spec, items }: Example, shard: number): PlacedItem[] {
  const { start, end } = itemsOfShard(shard, fixedSize(spec), items.count);
  return Array.from({ length: end - start }, (_, position) => start + position).map((index) => ({
    index,
    text: items.at(index),
    axes: items.axes(index),
  }));
}

/** Busybox where there is one, as in the image. */
const shell = (await shells()).at(-1);

describe("what the examples print", () => {
  if (shell === undefined) throw new Error("no shell");
  const node = new Node(shell);
  afterAll(() => node.remove());

  /** Sieving takes its time, and so does sleeping: the first and the last segment stand for all, or one page. */
  const someShards: Readonly<Record<string, readonly number[]>> = { primes: [0, 99], "two-teams": [39] };

  test.each(names.filter((name) => name !== "retries"))("the results of %s", async (name) => {
    const example = await exampleOf(name);
    const size = fixedSize(example.spec);
    const expected = expectedOf(name);
    expect(expected).toHaveLength(example.items.count);
    const all = Array.from({ length: shardCount(example.items.count, size) }, (_, shard) => shard);
    for (const shard of someShards[name] ?? all) {
      const items = placed(example, shard);
      const results = resultsOf(example, node.run(example, shard, 1, items), items.length);
      expect(results, `shard ${shard}`).toEqual(expected.slice(shard * size, shard * size + items.length));
    }
  });

  test.each(["primes", "matrix", "files", "whole"])("the reduced result on the page of %s", async (name) => {
    const { spec } = await exampleOf(name);
    const reduction = reductionOf(spec.results.reduce);
    for (const [item, result] of expectedOf(name).entries()) reduction?.accept(item, result);
    const value = reduction?.value() ?? "none";
    expect(read(name, "README.md")).toMatch(new RegExp(`^(\\w+ of all results: )?${value}$`, "m"));
  });

  test("retries: each item fails as often as its page says, and then works", async () => {
    const example = await exampleOf("retries");
    const attemptsNeeded = [1, 2, 3];
    for (const [shard, needed] of attemptsNeeded.entries()) {
      const items = placed(example, shard);
      for (let attempt = 1; attempt < needed; attempt += 1) {
        const { exit, stderr } = node.run(example, shard, attempt, items);
        expect({ exit, stderr }).toEqual({
          exit: 1,
          stderr: `${items[0]?.text} does not work at attempt ${attempt}\n`,
        });
      }
      const results = resultsOf(example, node.run(example, shard, needed, items), 1);
      expect(results).toEqual([expectedOf("retries")[shard]]);
    }
    expect(example.spec.retries).toBe(1);
    expect(read("retries", "README.md")).toContain("stubborn does not work at attempt 2");
  });
});

test("two-teams: so many shards run at once as its page says, and the reason for the rest is the one it names", async () => {
  const cluster = await aCluster()
    .withNodes(2, { cpu: 4 })
    .withProgram(({ item }) => ({ result: item, ms: 2000 }))
    .start();
  const page = read("two-teams", "README.md");
  const expected = [...page.matchAll(/^\| `(\w+)` \|.*\| (\d+) \|$/gm)].map(([, pool, running]) => [
    pool,
    Number(running),
  ]);
  for (const manifest of manifestsOf("two-teams")) {
    const resource = kinds.get(String(manifest.kind)) ?? configMaps;
    const home = resource.namespaced ? { namespace: "lab" } : {};
    await cluster.api.create(resource, { ...manifest, metadata: { ...manifest.metadata, ...home } });
  }
  await cluster.until(() => cluster.running("thesis").length + cluster.running("report").length === 10);
  expect([
    ["students", cluster.running("thesis").length],
    ["staff", cluster.running("report").length],
  ]).toEqual(expected);
  await cluster.until(() => cluster.status("thesis").queue !== undefined);
  const { queue } = cluster.status("thesis");
  expect(page).toContain(`\`${queue?.reason}\`, the limit of \`dept\``);
  expect(queue?.message).toContain("dept has");
  await cluster.finish("report");
  await cluster.until(() => cluster.running("thesis").length === 5);
  await cluster.finish("thesis");
});
