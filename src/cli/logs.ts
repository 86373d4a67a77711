// `kubectl pool logs`: what a shard's program printed.
import { type KubeApi, listAll } from "@dsl/kube-operator";
import { shardCount, shardOfItem } from "../api/chunks.ts";
import { labels } from "../api/labels.ts";
import type { PooledTask } from "../api/pooled-task.ts";
import { parseRanges } from "../api/ranges.ts";
import type { AttemptRecord } from "../api/records.ts";
import { runTimeText } from "../view/duration.ts";
import type { Arguments, Options } from "./arguments.ts";
import { type Pod, pods } from "./kinds.ts";
import { RecordReader } from "./record-reader.ts";
import { fetchTask, taskArgument } from "./tasks.ts";
import { Refusal, UsageError } from "./usage-error.ts";
import type { Verb } from "./verb.ts";

const options = {
  item: { value: "N", help: "the item, counted from 0" },
  shard: { value: "N", help: "the shard, counted from 0" },
  follow: { short: "f", help: "go on as the program prints" },
} as const satisfies Options;

export const logs: Verb = {
  name: "logs",
  summary: "print what the program of an item printed",
  usage: "TASK (--item N | --shard N) [-f]",
  description: `Prints the log of the Pod that ran an item, of its latest attempt. Finished Pods are removed, but for the
newest twenty failed and twenty succeeded of a task.`,
  options,
  examples: [
    { does: "The log of item 17", command: "kubectl pool logs squares --item 17" },
    { does: "Follow shard 3 while it runs", command: "kubectl pool logs squares --shard 3 -f" },
  ],

  async run(session) {
    const { arguments: args, terminal } = session;
    const name = taskArgument(args);
    const { item, shard } = itemOrShard(args);
    const cluster = await session.connect();
    const task = await fetchTask(cluster, name);
    const wanted = shard ?? (await shardOf(cluster.api, task, item));
    const pod = await latestPod(cluster.api, task, wanted);
    if (pod === undefined) throw await podIsGone(cluster.api, task, wanted);
    const container = pod.spec?.containers?.[0]?.name;
    const chunks = cluster.api.log(
      { namespace: cluster.namespace, name: pod.metadata.name },
      { follow: args.flag("follow"), signal: terminal.interrupted, ...(container !== undefined && { container }) },
    );
    try {
      for await (const chunk of chunks) terminal.stdout.write(chunk);
    } catch (error) {
      if (!terminal.interrupted.aborted) throw error;
    }
    return terminal.interrupted.aborted ? 130 : 0;
  },
};

interface Wanted {
  readonly item: number | undefined;
  readonly shard: number | undefined;
}

function itemOrShard(args: Arguments): Wanted {
  const item = args.count("item", 0);
  const shard = args.count("shard", 0);
  if (item !== undefined && shard !== undefined)
    throw new UsageError("--item and --shard are both given; one is enough");
  return { item, shard };
}

async function shardOf(api: KubeApi, task: PooledTask, item: number | undefined): Promise<number> {
  const { metadata, spec, status } = task;
  const { size } = spec.chunk;
  const total = status?.items?.total;
  if (item !== undefined) {
    if (total !== undefined && item >= total) {
      throw new UsageError(`--item must be below ${total}, the number of items of ${metadata.name}, but is ${item}`);
    }
    return size === "Auto" ? shardCutWith(api, task, item) : shardOfItem(item, size);
  }
  const shards = total === undefined || size === "Auto" ? status?.shards?.total : shardCount(total, size);
  if (shards === 1) return 0;
  throw new UsageError(`${metadata.name} has ${shards ?? "many"} shards; say which one with --item N or --shard N`);
}

/** Where chunks are cut as they are needed only the records tell. */
async function shardCutWith(api: KubeApi, task: PooledTask, item: number): Promise<number> {
  let shard: number | undefined;
  for await (const record of new RecordReader(api, task).readOn()) {
    if (record.kind === "cut" && holds(record.cut, item)) shard = record.shard;
  }
  if (shard !== undefined) return shard;
  throw new Refusal(`item ${item} of ${task.metadata.name} is not in a shard yet, so it has no log`);
}

function holds(ranges: string, item: number): boolean {
  return parseRanges(ranges)?.ranges.some(({ start, end }) => start <= item && item < end) === true;
}

async function latestPod(api: KubeApi, { metadata }: PooledTask, shard: number): Promise<Pod | undefined> {
  const { items } = await listAll(api, pods, {
    ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
    labelSelector: `${labels.taskUid}=${metadata.uid},${labels.shard}=${shard}`,
  });
  const attemptOf = (pod: Pod): number => Number(pod.metadata.labels?.[labels.attempt] ?? 0);
  return [...items].sort((a, b) => attemptOf(a) - attemptOf(b)).at(-1);
}

/** What the records still know of an attempt whose Pod, and with it the log, is not there. */
async function podIsGone(api: KubeApi, task: PooledTask, shard: number): Promise<Refusal> {
  let last: AttemptRecord | undefined;
  let message: string | undefined;
  for await (const record of new RecordReader(api, task).readOn()) {
    if (record.kind === "attempt" && record.shard === shard) last = record;
    if (record.kind === "item" && record.shard === shard) message = record.message ?? message;
  }
  if (last === undefined)
    return new Refusal(`shard ${shard} of ${task.metadata.name} has not been started yet, so it has no log`);
  const time = last.start === undefined ? "" : ` after ${runTimeText(last.end - last.start)}`;
  return new Refusal(
    [
      `the Pod of shard ${shard} is gone, and its log with it: only the newest finished Pods of a task are kept.`,
      `Recorded of attempt ${last.attempt}: ${last.outcome}${time}${last.node === undefined ? "" : ` on node ${last.node}`}`,
      ...(message === undefined ? [] : [`Its last words: ${message.trim()}`]),
    ].join("\n"),
  );
}
