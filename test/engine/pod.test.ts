import { describe, expect, test } from "vitest";
import { chunkBytesMax } from "../../src/api/chunks.ts";
import type { Placement } from "../../src/engine/engine.ts";
import { podTemplate } from "../../src/engine/pod.ts";
import { aPlacement, aTask, contextOf, itemsOf, type TaskTraits } from "./builders.ts";
import { expanded } from "./shells.ts";

function podOf(traits: TaskTraits = {}, placement: Partial<Placement> = {}, defaults?: Record<string, string>) {
  const { metadata, spec } = podTemplate(contextOf(aTask(traits), defaults), aPlacement(placement));
  const [main] = spec.containers as readonly Record<string, unknown>[];
  if (main === undefined) throw new Error("no container");
  const env = main.env as readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  return { metadata, spec, main, env, variable: (name: string) => env.find((each) => each.name === name)?.value };
}

const several = { chunk: { size: 10, mode: "Each" } } as const;
const whole = { chunk: { size: 10, mode: "Whole" } } as const;

describe("the node", () => {
  const onNode = { key: "metadata.name", operator: "In", values: ["node-1"] } as const;
  const termsOf = (nodeAffinity?: object): unknown => {
    const { spec } = podOf(nodeAffinity === undefined ? {} : { pod: { affinity: { nodeAffinity } } });
    const { affinity } = spec as { affinity: { nodeAffinity: Record<string, { nodeSelectorTerms: unknown }> } };
    return affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  };
  const required = (...nodeSelectorTerms: object[]) => ({
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
  });

  test("is required where the user requires nothing", () => {
    expect(termsOf()).toEqual([{ matchFields: [onNode] }]);
  });

  test("is added to each of the user's terms, since any of them may hold", () => {
    const gpu = { key: "gpu", operator: "Exists" };
    const fast = { key: "metadata.name", operator: "In", values: ["node-1"] };
    expect(termsOf(required({ matchExpressions: [gpu] }, { matchFields: [fast] }))).toEqual([
      { matchExpressions: [gpu], matchFields: [onNode] },
      { matchFields: [fast, onNode] },
    ]);
  });

  test("does not turn a term that matches nothing into one that matches", () => {
    expect(termsOf(required({}))).toEqual([{}]);
  });
});

describe("what is not the user's to choose", () => {
  test("the Pod is never restarted, has no token and the runtime's seccomp profile", () => {
    const { spec } = podOf();
    expect(spec).toMatchObject({
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      securityContext: { seccompProfile: { type: "RuntimeDefault" } },
    });
  });

  test("a token is mounted where the user asks for it", () => {
    expect(podOf({ pod: { automountServiceAccountToken: true } }).spec).toMatchObject({
      automountServiceAccountToken: true,
    });
  });

  test("labels and annotations of the template are kept, those of the task are not, and reserved ones are ours", () => {
    const labels = {
      team: "lab",
      "example.com/x": "1",
      "kube-pool.dev/task-uid": "forged",
      "batch.kubernetes.io/job-name": "forged",
      "x.k8s.io/y": "1",
    };
    const { metadata } = podOf({ metadata: { labels, annotations: labels } });
    expect(metadata.labels).toEqual({
      team: "lab",
      "example.com/x": "1",
      "kube-pool.dev/task": "squares",
      "kube-pool.dev/task-uid": "5f0c1e8a-0000-4000-8000-000000000001",
      "kube-pool.dev/pool": "lab",
      "kube-pool.dev/shard": "3",
      "kube-pool.dev/attempt": "1",
    });
    expect(metadata.annotations).toEqual({
      team: "lab",
      "example.com/x": "1",
      "kubectl.kubernetes.io/default-container": "square",
    });
  });

  test("a main container that requests nothing gets the pool's default, but for the count of Pods", () => {
    const requests = (resources?: object) =>
      podOf(resources === undefined ? {} : { container: { resources } }, {}, { cpu: "2", pods: "1" }).main.resources;
    expect(requests()).toEqual({ requests: { cpu: "2" } });
    expect(requests({ requests: {} })).toEqual({ requests: { cpu: "2" } });
    expect(requests({ requests: { memory: "1Gi" } })).toEqual({ requests: { memory: "1Gi" } });
    expect(requests({ limits: { memory: "1Gi" } })).toEqual({ limits: { memory: "1Gi" } });
  });

  test("a variable POOL_* of the user does not stand beside ours", () => {
    const { env } = podOf({
      container: {
        env: [
          { name: "POOL_ITEM", value: "forged" },
          { name: "MINE", value: "$(POOL_SHARD)" },
        ],
      },
    });
    expect(env.filter(({ name }) => name === "POOL_ITEM")).toEqual([{ name: "POOL_ITEM", value: "3" }]);
    expect(env.at(-1)).toEqual({ name: "MINE", value: "$(POOL_SHARD)" });
  });
});

describe("a shard of one item", () => {
  test("runs the image as it is, its result being the termination message", () => {
    const { main, variable, spec } = podOf({ container: { command: ["sh", "-c", "echo $(POOL_ITEM)"], args: ["a"] } });
    expect(main).toMatchObject({
      command: ["sh", "-c", "echo $(POOL_ITEM)"],
      args: ["a"],
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "FallbackToLogsOnError",
    });
    expect(variable("POOL_RESULT")).toBe("/dev/termination-log");
    expect(spec.volumes).toEqual([]);
  });

  test("an image with its own entry point needs no command", () => {
    const { main } = podOf({ container: { command: [] } });
    expect(main).not.toHaveProperty("command");
    expect(main).not.toHaveProperty("args");
  });

  test("sees where it stands, and a fence that holds the Pod's own UID", () => {
    const { variable, env } = podOf({}, { attempt: 4 });
    expect(["TASK", "SHARD", "ATTEMPT", "INDEX"].map((name) => variable(`POOL_${name}`))).toEqual([
      "squares",
      "3",
      "4",
      "3",
    ]);
    expect(variable("POOL_FENCE")).toBe("5f0c1e8a-0000-4000-8000-000000000001/3/4/$(POOL_POD_UID)");
    const names = env.map(({ name }) => name);
    // Kubernetes expands references to variables that stand before them only.
    expect(names.indexOf("POOL_POD_UID")).toBeLessThan(names.indexOf("POOL_FENCE"));
  });

  test.each(["$", "$$", "$(POOL_TASK)", "$$(POOL_TASK)", "a$(b", "100$"])("the item %s arrives as it is", (text) => {
    const { variable } = podOf({}, { items: itemsOf([text]) });
    expect(expanded(variable("POOL_ITEM") ?? "", { POOL_TASK: "squares" })).toBe(text);
  });

  test("a matrix item has a variable for each axis as well", () => {
    const axes = [{ name: "learning-rate", value: "$0.1" }];
    const { variable } = podOf({}, { items: [{ index: 0, text: "learning-rate=$0.1", axes }] });
    expect(variable("POOL_ITEM")).toBe("learning-rate=$$0.1");
    expect(variable("POOL_ITEM_LEARNING_RATE")).toBe("$$0.1");
  });
});

describe("a shard of several items", () => {
  test("has them in its own annotation, one a line, as a file", () => {
    const { metadata, spec, main } = podOf(whole, { items: itemsOf(["a", "", "c"]) });
    expect(metadata.annotations["kube-pool.dev/items"]).toBe("a\n\nc\n");
    expect(spec.volumes).toEqual([
      {
        name: "kube-pool-items",
        downwardAPI: {
          items: [
            { path: "lines", fieldRef: { apiVersion: "v1", fieldPath: "metadata.annotations['kube-pool.dev/items']" } },
          ],
        },
      },
    ]);
    expect(main.volumeMounts).toEqual([{ name: "kube-pool-items", mountPath: "/kube-pool/items", readOnly: true }]);
  });

  test("in mode Whole the command is run as it is, and finds the file by its variable", () => {
    const { main, variable } = podOf(whole, { items: itemsOf(["a", "b"]) });
    expect(main.command).toEqual(["sh"]);
    expect(variable("POOL_ITEMS_FILE")).toBe("/kube-pool/items/lines");
    expect(variable("POOL_RESULT")).toBe("/dev/termination-log");
    expect(variable("POOL_ITEM")).toBeUndefined();
  });

  test("in mode Each the image's shell runs the command, and records have a file of their own", () => {
    const { main, variable, spec } = podOf(
      { ...several, container: { command: ["my", "$(HOME)"], args: ["x"] } },
      { items: itemsOf(["a", "b"]) },
    );
    const command = main.command as readonly string[];
    expect(command.slice(0, 2)).toEqual(["/bin/sh", "-c"]);
    expect(command.slice(-3)).toEqual(["my", "$(HOME)", "x"]);
    expect(main).not.toHaveProperty("args");
    expect(main.terminationMessagePath).toBe("/dev/kube-pool-records");
    expect(variable("POOL_RESULT")).toBeUndefined();
    expect(spec.volumes).toContainEqual({ name: "kube-pool-scratch", emptyDir: {} });
  });

  test("takes the same form when a retry has one item left", () => {
    expect(podOf(several, { items: itemsOf(["a"]) }).metadata.annotations).toHaveProperty(["kube-pool.dev/items"]);
  });

  test("a chunk at its limit fits among the annotations of a Pod, also where its items are of a matrix", () => {
    const value = "v".repeat(99_990);
    const axes = [{ name: "a", value }];
    const items = [0, 1].map((index) => ({ index, text: `a=${value}`, axes }));
    const { metadata } = podOf(several, { items });
    const bytes = Buffer.byteLength(JSON.stringify(metadata.annotations));
    expect(items.reduce((sum, { text }) => sum + text.length + 1, 0)).toBeLessThanOrEqual(chunkBytesMax);
    expect(bytes).toBeLessThan(256 * 1024);
  });

  test("without a command it is refused: only the image would know what to run", () => {
    expect(() => podOf({ ...several, container: { command: [] } })).toThrow(/no command/);
  });
});
