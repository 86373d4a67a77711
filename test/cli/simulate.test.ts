import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { stage } from "./stage.ts";

// id submit wait run used cpu memory asked estimate memory status user
const trace = `; MaxProcs: 4
1 0 -1 100 3 -1 -1 3 100 -1 1 1
2 1 -1 50 4 -1 -1 4 50 -1 1 1
3 2 -1 20 1 -1 -1 1 30 -1 1 2
4 3 -1 20 9 -1 -1 9 30 -1 1 2
5 3 -1 0 1 -1 -1 1 30 -1 1 2
`;

const manifests = `
apiVersion: v1
kind: List
items:
  - {apiVersion: kube-pool.dev/v1alpha1, kind: ResourcePool, metadata: {name: lab}, spec: {namespaceSelector: {}}}
---
apiVersion: kube-pool.dev/v1alpha1
kind: PooledTask
metadata: {name: work, uid: of-a-cluster}
spec:
  poolRef: {name: lab}
  items: {configMapRefs: [{name: inputs, key: lines}]}
  chunk: {size: 2}
  template: {spec: {containers: [{name: main, image: "busybox:1.35", command: ["true"]}]}}
status: {conditions: [{type: Finished, status: "True"}]}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: inputs, namespace: default}, data: {lines: "a\\nb\\nc\\n"}}
`;

describe("kubectl pool simulate", () => {
  let folder = "";
  const file = (name: string): string => join(folder, name);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "simulate-"));
    writeFileSync(file("jobs.swf"), trace);
    writeFileSync(file("jobs.swf.gz"), gzipSync(trace));
    writeFileSync(file("headless.swf"), trace.slice(trace.indexOf("\n") + 1));
    writeFileSync(file("broken.swf"), "1 0 -1 100\n");
    writeFileSync(file("work.yaml"), manifests);
    writeFileSync(file("lost.yaml"), manifests.replace("poolRef: {name: lab}", "poolRef: {name: lob}"));
    writeFileSync(file("poolless.yaml"), manifests.replace("ResourcePool", "Other"));
    writeFileSync(file("broken.yaml"), "kind: [");
    writeFileSync(file("nameless.yaml"), "{apiVersion: v1, kind: Node}");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const simulate = (...words: string[]) => stage().run(["simulate", ...words]);

  test("shows every policy of a trace, a line each, and says which jobs it left out", async () => {
    const { stdout, stderr, status } = await simulate("--swf", file("jobs.swf"));
    expect(status).toBe(0);
    expect(stdout.split("\n")[0]).toMatch(/^POLICY +UTIL +FIRST START +RESPONSE +SLOWDOWN/);
    expect(stdout).toMatch(/^as-written /m);
    expect(stdout).toMatch(/^order=ShortestJob /m);
    expect(stdout).toMatch(/^backfill=None /m);
    expect(stderr).toBe("1 job left out: no run time\n1 job left out: more than 4 processors\n");
  });

  test("lets the short job pass the wide one that waits, as the planner would", async () => {
    const { stdout } = await simulate(
      "--swf",
      file("jobs.swf.gz"),
      "--policy",
      "as-written,backfill=None",
      "-o",
      "json",
    );
    const [easy, none] = JSON.parse(stdout);
    // Job 3 ends by the time at which job 2 can start: 100, 150 and 22 s, against 100, 150 and 170 s in strict order.
    expect(easy).toMatchObject({ policy: "as-written", meanResponseMs: Math.round(((100 + 149 + 20) * 1000) / 3) });
    expect(none).toMatchObject({ policy: "backfill=None", meanResponseMs: Math.round(((100 + 149 + 168) * 1000) / 3) });
  });

  test("draws a picture", async () => {
    const { stdout } = await simulate("--swf", file("jobs.swf"), "--policy", "as-written", "-o", "svg");
    expect(stdout).toMatch(/^<svg /);
    expect(stdout).toContain("user-2/job-3, shard 0, on machine: 2s to 22s");
  });

  test("runs manifests as they were submitted, whatever a cluster has made of them since", async () => {
    const words = ["-f", file("work.yaml"), "--nodes", "1xcpu=1", "--item-seconds", "10", "-o", "json"];
    const [written] = JSON.parse((await simulate(...words)).stdout);
    // Chunks of two items and of one, one after the other on the one CPU.
    expect(written).toMatchObject({
      policy: "as-written",
      makespanMs: 30_000,
      itemsPerSecondMilli: 100,
      unfinished: 0,
    });
  });

  test("takes a folder of manifests as kubectl apply does, and no folder below it", async () => {
    const parts = file("parts");
    mkdirSync(join(parts, "below.yaml"), { recursive: true });
    const [pool = "", task = "", inputs = ""] = manifests.split("---\n");
    writeFileSync(join(parts, "pool.yml"), pool);
    writeFileSync(join(parts, "task.yaml"), task);
    writeFileSync(join(parts, "inputs.json"), JSON.stringify(parse(inputs)));
    writeFileSync(join(parts, "README.md"), "kind: [");
    const options = ["--nodes", "1xcpu=1", "--item-seconds", "1"];
    const whole = await simulate("-f", file("work.yaml"), ...options);
    expect(whole.status).toBe(0);
    expect(await simulate("-f", parts, ...options)).toEqual(whole);
  });

  test("what is wrong with a folder is told with its name, and with the file's where it is one file", async () => {
    const [empty, flawed] = [file("empty"), file("flawed")];
    for (const each of [empty, flawed]) mkdirSync(each);
    writeFileSync(join(flawed, "a.yaml"), manifests);
    writeFileSync(join(flawed, "b.yaml"), "{apiVersion: v1, kind: Node}");
    expect(await simulate("-f", empty)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`${empty}: the folder has no *.yaml, *.yml or *.json file; name a file or`),
    });
    expect((await simulate("-f", flawed)).stderr).toContain(`${join(flawed, "b.yaml")}: document 1, a Node, has no`);
    expect((await simulate("--swf", flawed)).stderr).toContain(`${flawed}: is a folder; name a file`);
  });

  test("takes an item's time from the task, and cuts chunks of size Auto by it", async () => {
    const auto = manifests.replace("chunk: {size: 2}", "chunk: {size: Auto}, expectedItemSeconds: 10");
    writeFileSync(file("auto.yaml"), auto.replace("  chunk: {size: Auto}, ", "  chunk: {size: Auto}\n  "));
    const [written] = JSON.parse((await simulate("-f", file("auto.yaml"), "--nodes", "1xcpu=1", "-o", "json")).stdout);
    expect(written).toMatchObject({ makespanMs: 30_000, itemsPerSecondMilli: 100 });
  });

  test("draws the same item times for the same seed, and others for another", async () => {
    const words = [
      "-f",
      file("work.yaml"),
      "--nodes",
      "2xcpu=1",
      "--item-seconds",
      "10",
      "--spread",
      "50",
      "-o",
      "json",
    ];
    const run = async (seed: string) => JSON.parse((await simulate(...words, "--seed", seed)).stdout)[0].makespanMs;
    expect(await run("1")).toBe(await run("1"));
    expect(await run("2")).not.toBe(await run("1"));
  });

  test("takes the nodes of the cluster where neither the file nor --nodes has any", async () => {
    const on = stage();
    const nodes = { group: "", version: "v1", kind: "Node", plural: "nodes", namespaced: false };
    const status = { allocatable: { cpu: "2", pods: "10" }, conditions: [{ type: "Ready", status: "True" }] };
    await on.api.create(nodes, { apiVersion: "v1", kind: "Node", metadata: { name: "real" }, spec: {} });
    await on.api.patch(nodes, { name: "real" }, { type: "merge", body: { status } }, { subresource: "status" });
    const words = ["simulate", "-f", file("work.yaml"), "--item-seconds", "10", "--policy", "as-written", "-o", "svg"];
    const { stdout, stderr } = await on.run(words);
    expect(stderr).toBe("");
    expect(stdout).toContain("shard 0, on real");
  });

  test("says of each task that can never run why, and runs the others", async () => {
    const words = ["-f", file("lost.yaml"), "--nodes", "1xcpu=1", "--item-seconds", "10"];
    const { stderr, status } = await simulate(...words);
    expect(stderr).toBe("default/work can never run: there is no pool lob\n");
    expect(status).toBe(0);
  });

  test.each([
    [["--swf", "headless.swf"], /does not say how many processors its machine had; give --procs N/, 2],
    [["--swf", "broken.swf"], /broken\.swf: line 1 is no job: it must have at least 12 numbers/, 1],
    [["--swf", "missing.swf"], /missing\.swf: .*no such file/, 1],
    [
      ["--swf", "jobs.swf", "--policy", "order=Fastest"],
      /there is no policy "order=Fastest" here; there are as-written/,
      2,
    ],
    [[], /no workload; name a file of manifests by -f FILE, or a trace by --swf FILE/, 2],
    [
      ["-f", "work.yaml", "--nodes", "1xcpu=1"],
      /default\/work does not say how long an item takes; set spec.expectedItemSeconds/,
      2,
    ],
    [["-f", "work.yaml", "--nodes", "8cpu"], /--nodes must be such as 3xcpu=8,memory=32Gi, but has "8cpu"/, 2],
    [["-f", "work.yaml", "--nodes", "99999xcpu=1"], /--nodes must make 1 to 10000 nodes, but makes 99999/, 2],
    [["-f", "work.yaml", "--item-seconds", "1"], /lab has no nodes; add Nodes to the file, or give --nodes/, 2],
    [["-f", "poolless.yaml", "--nodes", "1xcpu=1"], /there is no ResourcePool without a parentRef; add one/, 1],
    [["-f", "broken.yaml"], /broken\.yaml: /, 1],
    [["-f", "nameless.yaml"], /nameless\.yaml: document 1, a Node, has no metadata\.name/, 1],
    [["-f", "work.yaml", "--swf", "jobs.swf"], /-f and --swf are both given; leave one out/, 2],
  ] as const)("%j: says what is wrong and what to do", async (words, message, expected) => {
    const { stderr, status } = await simulate(...words.map((word) => (/\.(swf|yaml)$/.test(word) ? file(word) : word)));
    expect(stderr).toMatch(message);
    expect(status).toBe(expected);
  });
});
