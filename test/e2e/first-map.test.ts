// The README, line by line, on a real cluster: with real containers as root, else said aloud and left out.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { must } from "../support/installed.ts";
import { install, kubectlPool, type OperatorProcess, startOperator } from "../support/operator-process.ts";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log("skipped: the first map on real containers, which want root");

describe.skipIf(!isRoot)("the first map, on real containers", () => {
  let cluster: ControlPlane;
  let operator: OperatorProcess;

  beforeAll(async () => {
    cluster = await startControlPlane({ nodes: "real" });
    await install(cluster);
    operator = await startOperator(cluster);
  });
  afterAll(async () => {
    await operator?.stop();
    await cluster?.stop();
  });

  const kubectl = (...args: string[]): Promise<string> => must(cluster, args);
  const map = (args: readonly string[], command: readonly string[], items = ""): ReturnType<typeof kubectlPool> =>
    kubectlPool(
      cluster,
      ["map", "--pool", "lab", "--image", "busybox:1.35", "--request", "cpu=100m", ...args, "--", ...command],
      items,
    );

  test("the squares of the README come back in order", async () => {
    await kubectl("apply", "-f", `${examples}first-map/`);
    await kubectl("wait", "--for=condition=Succeeded", "--timeout=120s", "ptask/squares");
    const { stdout, code } = await kubectlPool(cluster, ["results", "squares"]);
    expect(stdout).toBe(await readFile(`${examples}first-map/expected.txt`, "utf8"));
    expect(code).toBe(0);
  });

  test("kubectl logs, get, describe and wait read the Job of a task as any other", async () => {
    const uid = await kubectl("get", "ptask", "squares", "-o", "jsonpath={.metadata.uid}");
    const job = `squares-${uid.slice(0, 6)}-round-0`;
    await kubectl("wait", "--for=condition=complete", "--timeout=10s", `job/${job}`);
    expect(await kubectl("get", "job", job)).toMatch(/Complete\s+10\/10\s/);
    expect(await kubectl("describe", "job", job)).toMatch(/Completed Indexes:\s+0-9\n/);
    // Its programs write their results elsewhere; what counts is that a Pod of it is found, and read.
    expect((await cluster.kubectl(["logs", `job/${job}`])).code).toBe(0);
  });

  test("a task keeps no account of who wrote its fields, unless it is applied on the server's side", async () => {
    const managers = async (name: string): Promise<unknown> => {
      const stdout = await kubectl("get", "ptask", name, "-o", "json", "--show-managed-fields");
      return JSON.parse(stdout).metadata.managedFields;
    };
    expect(await managers("squares")).toBeUndefined();
    const squares = await readFile(`${examples}first-map/squares.yaml`, "utf8");
    const applied = squares.replace("name: squares", "name: applied\n  labels: {team: maths}");
    await must(cluster, ["apply", "--server-side", "-f", "-"], applied);
    await kubectl("wait", "--for=condition=Succeeded", "--timeout=120s", "ptask/applied");
    expect(await managers("applied")).toContainEqual(expect.objectContaining({ operation: "Apply" }));
    // What is in the manifest no more is gone from the task: that is what the account is for.
    await must(cluster, ["apply", "--server-side", "-f", "-"], applied.replace("  labels: {team: maths}\n", ""));
    expect(await kubectl("get", "ptask", "applied", "-o", "jsonpath={.metadata.labels}")).toBe("");
    await kubectl("delete", "ptask", "applied");
  });

  test("kubectl get shows where both kinds stand", async () => {
    const table = await kubectl("get", "rpool,ptask");
    expect(table).toMatch(/NAME\s+READY\s+NODES\s+CPU\s+UTIL\s+QUEUED\s+RUNNING\s+AGE/);
    expect(table).toMatch(/resourcepool\.kube-pool\.dev\/lab\s+True\s+1\s/);
    expect(table).toMatch(/NAME\s+POOL\s+SUCCEEDED\s+DONE\s+RUNNING\s+REASON\s+ETA\s+AGE/);
    expect(table).toMatch(/pooledtask\.kube-pool\.dev\/squares\s+lab\s+True\s+100\/100\s/);
  });

  test("items from standard input come back as results in order, exit status 0", async () => {
    const numbers = Array.from({ length: 100 }, (_, index) => index + 1);
    const { stdout, code } = await map(
      ["--name", "many", "--parallelism", "4"],
      ["sh", "-c", "echo $((POOL_ITEM * POOL_ITEM))"],
      numbers.join("\n"),
    );
    expect(stdout).toBe(`${numbers.map((number) => number * number).join("\n")}\n`);
    expect(code).toBe(0);
    // Cut as they were needed: one by one at first, then many a container.
    const ask = (path: string): Promise<string> => kubectl("get", "ptask", "many", "-o", `jsonpath={${path}}`);
    expect(await ask(".spec.chunk.size")).toBe("Auto");
    expect(Number(await ask(".status.shards.total"))).toBeLessThan(60);
    const uid = await ask(".metadata.uid");
    const records = await kubectl(
      "get",
      "configmap",
      `many-${uid.slice(0, 6)}-results-0`,
      "-o",
      "jsonpath={.data.records}",
    );
    const cuts = records.split("\n").flatMap((line) => (line.includes('"cut"') ? [JSON.parse(line).cut] : []));
    expect(cuts[0]).toBe("0");
    expect(cuts.some((items) => items.includes("-"))).toBe(true);
    expect(await kubectl("get", "rpool", "lab", "-o", "jsonpath={.status.queue.learned}")).not.toBe("");
  });

  test("a failing item: exit status 1, the others' results, and one line that says how to retry", async () => {
    const { stdout, stderr, code } = await map(
      ["--name", "one-fails"],
      ["sh", "-c", 'test $POOL_ITEM != 3 || { echo "three is bad" >&2; exit 7; }; echo $POOL_ITEM'],
      "1\n2\n3\n4\n",
    );
    expect(code).toBe(1);
    expect(
      stdout
        .trim()
        .split("\n")
        .filter((line) => line !== ""),
    ).toEqual(["1", "2", "4"]);
    expect(stderr).toContain("three is bad");
    expect(stderr.split("\n").filter((line) => line.includes("kubectl pool retry one-fails"))).toHaveLength(1);
  });

  test("an item arrives as it is: quotes, dollars, backslashes, what looks like a variable", async () => {
    const items = ["$(POOL_ITEM)", "$HOME `id` 'a' \"b\"", "back\\slash \\n", "ünï — 漢字", "$$(X)"];
    const { stdout, code } = await map([], ["sh", "-c", 'printf "%s\\n" "$POOL_ITEM"'], items.join("\n"));
    expect(stdout).toBe(`${items.join("\n")}\n`);
    expect(code).toBe(0);
  });

  test("several items a container: one that fails costs only itself, and only it is retried", async () => {
    const { stdout, code } = await map(
      ["--chunk", "5", "--retries", "1", "--name", "chunky"],
      ["sh", "-c", "test $POOL_ITEM != 4; s=$?; echo $POOL_ITEM; exit $s"],
      "1\n2\n3\n4\n5\n6\n",
    );
    expect(code).toBe(1);
    expect(
      stdout
        .trim()
        .split("\n")
        .filter((line) => line !== ""),
    ).toEqual(["1", "2", "3", "5", "6"]);
    const [failure] = JSON.parse(await kubectl("get", "ptask", "chunky", "-o", "jsonpath={.status.failures}"));
    expect(failure).toMatchObject({ item: 3, attempts: 2, exitCode: 1 });
  });

  test("a result over 4,096 bytes is cut, and said aloud", async () => {
    const { stdout, stderr } = await map(
      ["--name", "long"],
      ["sh", "-c", "head -c 5000 /dev/zero | tr '\\0' x"],
      "1\n",
    );
    expect(stdout.trim().length).toBeLessThanOrEqual(4096);
    expect(await kubectl("get", "ptask", "long", "-o", "jsonpath={.status.results.truncated}")).toBe("1");
    expect(stderr).toMatch(/cut/);
  });

  test("an image that cannot be had is told at once, and holds nobody else up", async () => {
    const manifest = (await readFile(`${examples}first-map/squares.yaml`, "utf8"))
      .replace("name: squares", "name: no-image")
      .replace("busybox:1.35", "nowhere.invalid/none:1");
    await must(cluster, ["apply", "-f", "-"], manifest);
    await kubectl("wait", "--for=jsonpath={.status.queue.reason}=Starting", "--timeout=120s", "ptask/no-image");
    await expect
      .poll(() => kubectl("get", "ptask", "no-image", "-o", "jsonpath={.status.queue.message}"), {
        timeout: 120_000,
        interval: 500,
      })
      .toMatch(/image/i);
    const { stdout } = await map([], ["echo", "still here"], "1\n");
    expect(stdout).toBe("still here\n");
    await kubectl("delete", "ptask", "no-image", "--timeout=120s");
    expect(await kubectl("get", "jobs", "-l", "kube-pool.dev/task=no-image", "-o", "name")).toBe("");
  });
});
