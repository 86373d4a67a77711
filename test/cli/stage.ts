// Where tests run verbs: a cluster in memory with both kinds, a clock that stands still, a terminal that remembers. And
// a stand-in for the operator, which writes status and records when a test says so.
import type { Manifest } from "@dsl/kube-operator";
import {
  type ManualClock,
  type MemoryKubeApi,
  manualClock,
  memoryKubeApi,
  seededRandom,
} from "@dsl/kube-operator/testing";
import { pooledTaskCrd, resourcePoolCrd } from "../../src/api/crds.ts";
import { childName, recordsName } from "../../src/api/labels.ts";
import {
  type PooledTask,
  type PooledTaskSpecInput,
  type PooledTaskStatus,
  pooledTasks,
} from "../../src/api/pooled-task.ts";
import { formatRecord, type RecordLine, recordsKey } from "../../src/api/records.ts";
import { type ResourcePool, type ResourcePoolStatus, resourcePools } from "../../src/api/resource-pool.ts";
import { runCommandLine } from "../../src/cli/command-line.ts";
import { configMaps } from "../../src/cli/kinds.ts";
import type { Output, Terminal } from "../../src/cli/terminal.ts";
import type { ExitStatus } from "../../src/cli/verb.ts";
import { startOfTests, taskSpec } from "../view/objects.ts";

export interface Call {
  /** What has been written so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order of writing. */
  readonly screen: string;
  readonly status: Promise<ExitStatus>;
  interrupt(): void;
}

export interface CallOptions {
  readonly stdin?: string;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Stage {
  readonly api: MemoryKubeApi;
  readonly clock: ManualClock;
  /** Starts a verb, which may go on for as long as the test lets it. */
  start(words: readonly string[], options?: CallOptions): Call;
  /** Runs a verb that ends by itself. */
  run(words: readonly string[], options?: CallOptions): Promise<{ stdout: string; stderr: string; status: ExitStatus }>;
  createTask(name: string, spec?: Partial<PooledTaskSpecInput>, namespace?: string): Promise<PooledTask>;
  createPool(name: string, status?: ResourcePoolStatus, spec?: object): Promise<void>;
  pool(name: string): Promise<ResourcePool>;
  /** What the operator would write; lets whoever watches see it. */
  report(name: string, status: PooledTaskStatus, namespace?: string): Promise<PooledTask>;
  /** Appends records to the last segment of a task. */
  record(
    name: string,
    lines: readonly RecordLine[],
    options?: { readonly seal?: boolean; readonly namespace?: string },
  ): Promise<void>;
  task(name: string, namespace?: string): Promise<PooledTask>;
}

export function stage(): Stage {
  const clock = manualClock(startOfTests);
  const api = memoryKubeApi({ clock, namespaces: ["team-a"], crds: [pooledTaskCrd(), resourcePoolCrd()] });
  const random = seededRandom(1);
  const segments = new Map<string, { number: number; text: string }>();

  const start: Stage["start"] = (words, { stdin, isTTY = false, columns = 120, env = {} } = {}) => {
    const interruption = new AbortController();
    const written = { stdout: "", stderr: "", screen: "" };
    const output = (stream: "stdout" | "stderr"): Output => ({
      isTTY,
      columns,
      write(text) {
        written[stream] += text;
        written.screen += text;
      },
    });
    const terminal: Terminal = {
      stdin: { isTTY: stdin === undefined, readText: async () => stdin ?? "" },
      stdout: output("stdout"),
      stderr: output("stderr"),
      env,
      interrupted: interruption.signal,
    };
    const status = runCommandLine(words, {
      terminal,
      clock,
      random,
      connect: async (options) => ({ api, namespace: options.text("namespace") ?? "default" }),
    });
    return {
      get stdout() {
        return written.stdout;
      },
      get stderr() {
        return written.stderr;
      },
      get screen() {
        return written.screen;
      },
      status,
      interrupt: () => interruption.abort(),
    };
  };

  return {
    api,
    clock,
    start,
    async run(words, options) {
      const call = start(words, options);
      const status = await call.status;
      return { stdout: call.stdout, stderr: call.stderr, status };
    },
    async createTask(name, spec = {}, namespace = "default") {
      const manifest: Manifest = {
        apiVersion: "kube-pool.dev/v1alpha1",
        kind: "PooledTask",
        metadata: { name, namespace },
        spec: taskSpec(spec),
      };
      return api.create(pooledTasks, manifest);
    },
    pool: (name) => api.get(resourcePools, { name }),
    async createPool(name, status, spec = {}) {
      await api.create(resourcePools, {
        apiVersion: "kube-pool.dev/v1alpha1",
        kind: "ResourcePool",
        metadata: { name },
        spec: { namespaceSelector: {}, ...spec },
      });
      if (status !== undefined) {
        await api.patch(resourcePools, { name }, { type: "merge", body: { status } }, { subresource: "status" });
      }
    },
    async report(name, status, namespace = "default") {
      const { metadata } = await api.get(pooledTasks, { namespace, name });
      const value = { observedGeneration: metadata.generation, ...status };
      const whole = { type: "json", operations: [{ op: "add", path: "/status", value }] } as const;
      const task = await api.patch(pooledTasks, { namespace, name }, whole, { subresource: "status" });
      await clock.advance(0);
      return task;
    },
    async record(name, lines, { seal = false, namespace = "default" } = {}) {
      const task = await api.get(pooledTasks, { namespace, name });
      const segment = segments.get(name) ?? { number: 0, text: "" };
      const isNew = segment.text === "";
      segment.text += lines.map(formatRecord).join("");
      const key = { namespace, name: recordsName(childName(task), segment.number) };
      const body = { data: { [recordsKey]: segment.text }, ...(seal && { immutable: true }) };
      const owner = { apiVersion: task.apiVersion, kind: task.kind, name, uid: task.metadata.uid, controller: true };
      if (isNew) {
        await api.create(configMaps, {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { ...key, ownerReferences: [owner] },
          ...body,
        });
      } else {
        await api.patch(configMaps, key, { type: "merge", body });
      }
      segments.set(name, seal ? { number: segment.number + 1, text: "" } : segment);
    },
    task: (name, namespace = "default") => api.get(pooledTasks, { namespace, name }),
  };
}

/** A success of an item as it is recorded. */
export function success(item: number, result: string | undefined, rest: object = {}): RecordLine {
  return {
    kind: "item",
    item,
    shard: item,
    attempts: 1,
    node: "n1",
    start: startOfTests + item * 1000,
    ms: 12,
    exit: 0,
    ...(result !== undefined && { result }),
    ...rest,
  };
}

export function failure(item: number, message: string, rest: object = {}): RecordLine {
  return {
    kind: "item",
    item,
    shard: item,
    attempts: 1,
    node: "n1",
    start: startOfTests + item * 1000,
    ms: 12,
    exit: 1,
    reason: "Error",
    message,
    ...rest,
  };
}
