// The documentation is true where a program can tell: links lead somewhere, lists are complete in both directions, and
// what is shown as the product's words are its words.
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { requestMetrics, runtimeMetrics } from "../packages/kube-operator/src/metrics.ts";
import { chunkBytesMax, shardCountMax } from "../src/api/chunks.ts";
import { itemBytesMax, itemCountMax, listBytesMax, listLengthMax } from "../src/api/items.ts";
import { parseRecords, segmentBytes } from "../src/api/records.ts";
import { readConfig } from "../src/config.ts";
import { poolMetrics } from "../src/controller/pool-metrics.ts";
import { keptAttempts, surplusMax } from "../src/controller/retention.ts";
import { podTemplate } from "../src/engine/pod.ts";
import { wrapperProgram } from "../src/engine/wrapper.ts";
import {
  planPool,
  type StallReason,
  stallReasons,
  type TaskReason,
  type WaitReason,
  waitReasons,
} from "../src/scheduling/index.ts";
import { whatHelps } from "../src/view/reasons.ts";
import { aPlacement, aTask, contextOf, itemsOf } from "./engine/builders.ts";
import { read, root, rowsIn, section } from "./support/pages.ts";
import { aPool, noon } from "./support/scheduling.ts";
import { aCluster, anEmptyCluster, type SimulatedCluster } from "./support/simulated-cluster.ts";
import { pods } from "./support/simulated-cluster-world.ts";

function pagesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name.startsWith(".")) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return pagesIn(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

const pages = pagesIn(".");

test("whoever starts the operator starts it as the documentation says", () => {
  const [, flag = ""] = /`node (--\S+) dist\/operator\.mjs`/.exec(read("docs/operations.md")) ?? [];
  expect(flag).toMatch(/^--/);
  for (const starter of ["deploy/up", "deploy/kind/demo", "test/support/operator-process.ts"]) {
    expect(read(starter), starter).toContain(flag);
  }
});

/** A page without its code, in which a bracket is no link. */
const prose = (page: string): string =>
  read(page)
    .replaceAll(/^```.*?^```/gms, "")
    .replaceAll(/`[^`\n]*`/g, "");

/** As GitHub names the place of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

function headingsOf(page: string, level: number): string[] {
  const code = read(page).replaceAll(/^```.*?^```/gms, "");
  return [...code.matchAll(new RegExp(`^#{${level}} (.+)$`, "gm"))].map(([, heading = ""]) => heading.trim());
}

describe("links", () => {
  test.each(pages)("those of %s lead to files and headings that are there", (page) => {
    const broken = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = ""]) => {
      if (/^[a-z]+:/.test(link)) return [];
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? page : relative(root, resolve(root, dirname(page), path));
      if (!existsSync(join(root, target))) return [link];
      const anchors =
        anchor === undefined ? [] : [1, 2, 3, 4].flatMap((level) => headingsOf(target, level)).map(anchorOf);
      return anchor === undefined || anchors.includes(anchor) ? [] : [link];
    });
    expect(broken).toEqual([]);
  });

  test("the list of decisions names every page of the folder, in order, by its title", () => {
    const files = readdirSync(join(root, "docs/decisions"))
      .filter((file) => /^\d{4}-/.test(file))
      .sort();
    const listed = [...read("docs/decisions/README.md").matchAll(/^- \[(.+)\]\((\d{4}-.+\.md)\)$/gm)];
    expect(listed.map(([, , file]) => file)).toEqual(files);
    for (const [, title = "", file = ""] of listed) expect(headingsOf(`docs/decisions/${file}`, 1)).toEqual([title]);
    expect(files.map((file) => Number(file.slice(0, 4)))).toEqual(files.map((_, index) => index + 1));
  });

  test.each(readdirSync(join(root, "docs/decisions")).filter((file) => /^\d{4}-/.test(file)))(
    "decision %s says context, decision, alternatives and consequences",
    (file) => {
      expect(headingsOf(`docs/decisions/${file}`, 2)).toEqual(["Context", "Decision", "Alternatives", "Consequences"]);
    },
  );
});

describe("docs/reasons.md", () => {
  const page = "docs/reasons.md";

  test("has a paragraph for every reason, in two groups, and none for another word", () => {
    const headings = (group: string): string[] =>
      [...section(page, group).matchAll(/^### (.+)$/gm)].map(([, word = ""]) => word);
    expect(headings("It waits")).toEqual([...waitReasons]);
    expect(headings("It needs a person")).toEqual([...stallReasons]);
    expect(headingsOf(page, 3).sort()).toEqual(Object.keys(whatHelps).sort());
  });

  // One scene a reason: what brings a task into it, in a whole cluster.
  const scenes: Readonly<Record<TaskReason, () => Promise<string>>> = {
    ...({
      async Suspended() {
        const cluster = await aCluster().withNodes(1, { cpu: 2 }).start();
        await cluster.task("work", { suspend: true });
        return await messageOf(cluster, "Suspended");
      },
      async PoolNotFound() {
        const cluster = await anEmptyCluster().withNodes(1, { cpu: 2 }).start();
        await cluster.task("work");
        return await messageOf(cluster, "PoolNotFound");
      },
      async PoolNotReady() {
        const cluster = await aCluster().start();
        await cluster.task("work");
        return await messageOf(cluster, "PoolNotReady");
      },
      async NotAllowed() {
        const cluster = await anEmptyCluster()
          .withPool("lab", { namespaceSelector: { matchLabels: { team: "lab" } } })
          .withNamespace("lab", {})
          .withNodes(1, { cpu: 2 })
          .start();
        await cluster.task("work");
        return await messageOf(cluster, "NotAllowed");
      },
      async PoolStopped() {
        const cluster = await anEmptyCluster().withPool("lab", { stopPolicy: "Stop" }).withNodes(1, { cpu: 2 }).start();
        await cluster.task("work");
        return await messageOf(cluster, "PoolStopped");
      },
      async BehindOthers() {
        const cluster = await aBusyCluster({ queue: { backfill: { policy: "None" } } });
        await cluster.task("large", { cpu: 2 });
        await cluster.run(1);
        await cluster.task("work", { cpu: 1 });
        return await messageOf(cluster, "BehindOthers");
      },
      async HeldForHead() {
        const cluster = await aCluster().withNodes(1, { cpu: 2 }).withProgram(slow).start();
        await cluster.task("busy", { cpu: 1, items: { range: { end: 1 } } });
        await cluster.until(() => cluster.running("busy").length === 1);
        await cluster.task("large", { cpu: 2 });
        await cluster.run(1);
        await cluster.task("work", { cpu: 1 });
        return await messageOf(cluster, "HeldForHead");
      },
      async LimitReached() {
        const cluster = await anEmptyCluster()
          .withPool("lab")
          .withPool("students", { parentRef: { name: "lab" }, limit: { cpu: "3" } })
          .withNodes(2, { cpu: 4 })
          .withProgram(slow)
          .start();
        await cluster.task("work", { cpu: 2, poolRef: { name: "students" }, items: { range: { end: 9 } } });
        return await messageOf(cluster, "LimitReached");
      },
      async PoolFull() {
        const cluster = await aBusyCluster();
        await cluster.task("work", { cpu: 2, items: { range: { end: 2 } } });
        return await messageOf(cluster, "PoolFull");
      },
      async NoNodeFits() {
        const spread = anEmptyCluster().withPool("lab", { placement: "Spread" });
        const cluster = await spread.withNodes(2, { cpu: 4 }).withProgram(slow).start();
        await cluster.task("busy", { cpu: 2, items: { range: { end: 2 } } });
        await cluster.until(() => cluster.running("busy").length === 2);
        await cluster.task("work", { cpu: 4 });
        return await messageOf(cluster, "NoNodeFits");
      },
      async ParallelismReached() {
        const cluster = await aCluster().withNodes(1, { cpu: 8 }).withProgram(slow).start();
        await cluster.task("work", { items: { range: { end: 10 } }, parallelism: 4 });
        return await messageOf(cluster, "ParallelismReached");
      },
      async BackingOff() {
        const fails = () => ({ exit: 1, stderr: "no" });
        const cluster = await aCluster().withNodes(1, { cpu: 8 }).withProgram(fails).start();
        await cluster.task("work", { items: { range: { end: 1 } }, retries: 9 });
        return await messageOf(cluster, "BackingOff");
      },
      async Preempted() {
        const low = { cpu: 2, shards: 1, running: [{ node: "node-1" }] };
        const { snapshot } = aPool()
          .withPool({ preemption: { withinPool: "LowerPriority", reclaim: "Never" } })
          .withNodes(1, { cpu: 2 })
          .withTasks({ low, high: { cpu: 2, shards: 1, priority: 1 } });
        return planPool(snapshot, noon).waiting.find(({ reason }) => reason === "Preempted")?.message ?? "";
      },
      async QuotaRefused() {
        const cluster = await aCluster().withNodes(1, { cpu: 8 }).withProgram(slow).start();
        await cluster.quota("small", { pods: "2" });
        await cluster.task("work", { items: { range: { end: 6 } } });
        return await messageOf(cluster, "QuotaRefused");
      },
      async AdmissionRefused() {
        const words = 'admission webhook "images.example.org" denied the request: the image is not signed';
        const cluster = await aCluster()
          .withNodes(1, { cpu: 8 })
          .withJobController({ refuses: () => words })
          .start();
        await cluster.task("work", { items: { range: { end: 24 } } });
        return await messageOf(cluster, "AdmissionRefused");
      },
      async Starting() {
        const cluster = await aCluster().withNodes(1, { cpu: 8 }).start();
        cluster.badImages.add("busybox:1.35");
        await cluster.task("work");
        await messageOf(cluster, "Starting");
        await cluster.run(10);
        return await messageOf(cluster, "Starting");
      },
    } satisfies Record<WaitReason, () => Promise<string>>),
    ...({
      async NeverFits() {
        const cluster = await aCluster().withNodes(2, { cpu: 4 }).start();
        await cluster.task("work", { cpu: 8 });
        return await messageOf(cluster, "NeverFits");
      },
      async ItemsInvalid() {
        const cluster = await aCluster().withNodes(1, { cpu: 4 }).start();
        await cluster.configMap("inputs", { names: `short\n${"x".repeat(40_000)}\n` });
        await cluster.task("work", { items: { configMapRefs: [{ name: "inputs", key: "names" }] } });
        return await messageOf(cluster, "ItemsInvalid");
      },
      async ItemsChanged() {
        const cluster = await aCluster().withNodes(1, { cpu: 1 }).withProgram(slow).start();
        await cluster.configMap("inputs", { names: "1\n2\n3\n" });
        await cluster.task("work", { items: { configMapRefs: [{ name: "inputs", key: "names" }] } });
        await cluster.until(() => cluster.running("work").length > 0);
        await cluster.changeConfigMap("inputs", { names: "1\n2\n" });
        return await messageOf(cluster, "ItemsChanged");
      },
      async TemplateRefused() {
        const cluster = await aCluster().withNodes(1, { cpu: 4 }).start();
        const container = { name: "main", image: "busybox:1.35", command: ["true"] };
        await cluster.task("work", { template: { spec: { hostNetwork: true, containers: [container] } } });
        return await messageOf(cluster, "TemplateRefused");
      },
      async TaskInvalid() {
        const cluster = await aCluster().withNodes(1, { cpu: 4 }).start();
        await cluster.task("work", { results: { maxBytes: "2Gi" } });
        return await messageOf(cluster, "TaskInvalid");
      },
      async NameTaken() {
        const cluster = await aCluster().withNodes(1, { cpu: 4 }).start();
        const { metadata } = await cluster.task("work", { suspend: true });
        await cluster.api.create(pods, {
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name: `work-${metadata.uid.slice(0, 6)}-0-1`, namespace: "lab" },
          spec: { containers: [{ name: "main", image: "theirs" }] },
        });
        await cluster.change("work", { suspend: false });
        return await messageOf(cluster, "NameTaken");
      },
      async DependencyMissing() {
        const cluster = await aCluster().withNodes(1, { cpu: 4 }).start();
        await cluster.task("work", { items: { configMapRefs: [{ name: "inputs", key: "names" }] } });
        return await messageOf(cluster, "DependencyMissing");
      },
    } satisfies Record<StallReason, () => Promise<string>>),
  };

  test.each(Object.entries(scenes))("shows the message of %s as the operator writes it", async (word, scene) => {
    const shown = [...section(page, word).matchAll(/^> (.+)$/gm)].map(([, line = ""]) => steady(line));
    expect(shown).toEqual([steady(await scene())]);
  });

  const slow = ({ item }: { readonly item: string }) => ({ result: item, ms: 600_000 });

  async function aBusyCluster(pool = {}): Promise<SimulatedCluster> {
    const cluster = await anEmptyCluster().withPool("lab", pool).withNodes(2, { cpu: 2 }).withProgram(slow).start();
    await cluster.task("busy", { cpu: 1, items: { range: { end: 3 } } });
    await cluster.until(() => cluster.running("busy").length === 3);
    return cluster;
  }

  async function messageOf(cluster: SimulatedCluster, reason: TaskReason): Promise<string> {
    await cluster.until(() => cluster.status("work").queue?.reason === reason);
    return cluster.status("work").queue?.message ?? "";
  }

  /** Times and parts of uids are not the same twice. */
  function steady(message: string): string {
    return message.replaceAll(/\d{4}-\d\d-\d\dT[\d:]+Z/g, "TIME").replaceAll(/work-[0-9a-f]{6}-/g, "work-UID---");
  }
});

describe("docs/concepts.md", () => {
  /** The names of the variables of a form's column in the table. */
  function told(form: "single" | "Each" | "Whole"): string[] {
    const column = { single: 2, Each: 3, Whole: 4 }[form];
    const rows = rowsIn(section("docs/concepts.md", "What the container sees"));
    return rows.filter((row) => row[column] !== "no").map(([name = ""]) => name.replaceAll("`", ""));
  }

  function given(size: number, mode: "Each" | "Whole"): string[] {
    const items = itemsOf(["lr=0.1"]).map((item) => ({ ...item, axes: [{ name: "lr", value: "0.1" }] }));
    const { spec } = podTemplate(contextOf(aTask({ chunk: { size, mode } })), aPlacement({ items }));
    const [container] = spec.containers as readonly { readonly env: readonly { readonly name: string }[] }[];
    return (container?.env ?? []).map(({ name }) => name.replace("POOL_ITEM_LR", "POOL_ITEM_<AXIS>"));
  }

  test("names the variables of a single item, and no others", () => {
    expect(told("single").sort()).toEqual(given(1, "Each").sort());
  });

  test("names those of mode Whole", () => {
    expect(told("Whole").sort()).toEqual(given(10, "Whole").sort());
  });

  test("names those of mode Each: of the container, and of each run", () => {
    const [, exported = ""] = /^export (POOL_.*)$/m.exec(wrapperProgram) ?? [];
    expect(told("Each").sort()).toEqual([...given(10, "Each"), ...exported.split(" "), "POOL_ITEM_<AXIS>"].sort());
  });
});

describe("docs/operations.md", () => {
  const page = "docs/operations.md";

  test("lists every variable of the configuration, and no other, with its default", () => {
    const rows = rowsIn(section(page, "Configuration"));
    const known = [...read("src/config.ts").matchAll(/^ {2}(KUBE_POOL_\w+):/gm)].map(([, name]) => name);
    expect(rows.map(([name = ""]) => name.replaceAll("`", ""))).toEqual(known);
    const written = rows.flatMap(([name = "", value = ""]) => {
      const [, text] = /^`(.+)`$/.exec(value) ?? [];
      return text === undefined ? [] : [[name.replaceAll("`", ""), text] as const];
    });
    expect(readConfig(Object.fromEntries(written))).toEqual(readConfig({}));
  });

  test("lists every metric, and no other", async () => {
    const registry = new Registry();
    const metrics = runtimeMetrics(registry);
    requestMetrics(registry);
    poolMetrics(registry, { pools: { list: () => [] }, tasks: { values: () => [].values() } });
    metrics.cache({ resource: "pods", size: () => 0, relists: () => 0, lastEventAgeMs: () => 0 });
    const names = (await registry.getMetricsAsJSON()).map(({ name }) => name);
    const listed = rowsIn(section(page, "Health and metrics")).flatMap(([cell = ""]) =>
      [...cell.matchAll(/`([a-z_]+)`/g)].map(([, name = ""]) => name),
    );
    expect(listed.sort()).toEqual(names.sort());
  });

  test("its limits are those of the code", () => {
    const limits = Object.fromEntries(rowsIn(section(page, "Limits")).map(([what = "", most = ""]) => [what, most]));
    const inWords = (count: number): string => count.toLocaleString("en-US");
    const expected = {
      "items of a task": inWords(itemCountMax),
      "shards of a task": inWords(shardCountMax),
      "items in `list`": `${inWords(listLengthMax)}, and ${inWords(listBytesMax)} bytes together`,
      "bytes of an item": inWords(itemBytesMax),
      "bytes of a shard's items, where it has several": inWords(chunkBytesMax),
      "attempts kept for their logs": `${keptAttempts} succeeded and ${keptAttempts} failed of a task, the newest`,
      "those others, while shards wait or run": `${inWords(surplusMax)} a pool`,
      "a ConfigMap of records": `${inWords(segmentBytes)} bytes, then the next one begins`,
    };
    expect(limits).toMatchObject(expected);
  });

  test("its example of records reads as records, one of each kind", () => {
    const [, block = ""] = /```jsonl\n(.*?)```/s.exec(section(page, "Records")) ?? [];
    const { records, malformed } = parseRecords(block);
    expect(malformed).toBe(0);
    const kinds = rowsIn(section(page, "Records")).map(([kind]) => kind);
    expect([...new Set(records.map(({ kind }) => kind))].sort()).toEqual(kinds.sort());
  });
});
