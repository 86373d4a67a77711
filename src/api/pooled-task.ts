// PooledTask: a function (a Pod template) mapped over items. Its schema, its types, and the reading of one that somebody
// wrote. Does not know how shards run.
import type { KubeObject, Resource } from "@dsl/kube-operator";
import * as z from "zod";
import { bytesOf } from "./amount.ts";
import { gangMax, shardCountMax } from "./chunks.ts";
import { group, version } from "./group.ts";
import { itemSource, matrixCount, rangeCount } from "./item-source.ts";
import type { PooledTaskStatus } from "./pooled-task-status.ts";
import type { Parsed, Problem } from "./problem.ts";
import { quantity } from "./quantity.ts";
import { read, specOf } from "./reading.ts";
import { fixed, immutable, type Rule, validations } from "./rule.ts";
import { allowedTemplate, type PodTemplate, storedTemplate } from "./template.ts";
import { templateProblems } from "./template-problems.ts";

const sources = ["range", "list", "matrix", "configMapRefs"] as const;
const resultBytesMax = "1Gi";

const chunkItemsMax = 100_000;
const chunkSizes = `must be a whole number from 1 to ${chunkItemsMax}, or Auto`;

const chunk = z
  .object({
    size: z
      .union([z.int().min(1).max(chunkItemsMax), z.templateLiteral(["Auto"]).meta({ maxLength: 4 })], chunkSizes)
      .default(1)
      .describe(
        "Items a shard, at most 200 kB together: a number, or Auto. Auto begins with one and then cuts as long as the learned time of an item allows, half a minute or ten times what a start takes; it always runs the command through the image's /bin/sh, or with mode Whole.",
      ),
    mode: z
      .enum(["Each", "Whole"])
      .default("Each")
      .describe(
        "Each: the command is run once for each item, through the image's /bin/sh if size is not 1. Whole: it is run once, reads $POOL_ITEMS_FILE itself and writes one result a line.",
      ),
  })
  .prefault({})
  .describe("How items are grouped into shards. A shard is run by one Pod an attempt.")
  .meta(fixed("chunk"));

const results = z
  .object({
    reduce: z
      .enum(["None", "Sum", "Count", "Min", "Max", "Concat"])
      .default("None")
      .describe("What to make of all results, shown in status.results.reduced: Sum, Min and Max read them as numbers."),
    maxBytes: quantity
      .default("16Mi")
      .describe(
        "How much the results may take together, at most 1Gi. What comes later is counted, but its text is not kept.",
      ),
  })
  .prefault({})
  .describe("What is kept of the results.")
  .meta(fixed("results"));

const taskFields = z.object({
  poolRef: z
    .object({ name: z.string().min(1).max(63).describe("The ResourcePool's name.") })
    .describe("The pool to run in. It must admit the namespace, and whoever creates the task needs the verb use on it.")
    .meta(fixed("poolRef")),
  items: itemSource.meta(fixed("items")),
  chunk,
  parallelism: z
    .int()
    .min(1)
    .max(shardCountMax)
    .exactOptional()
    .describe("Shards at once, at most. Absent: as many as fit. May be changed at any time."),
  minParallelism: z
    .union(
      [z.int().min(1).max(gangMax), z.string().max(3).regex(/^All$/)],
      `is no number of shards; give a whole number from 1 to ${gangMax}, or All`,
    )
    .exactOptional()
    .describe(
      "Start only when so many shards fit together, at most 1000: a number, or All. It counts for the first start; shards that run again start one by one. Absent: 1.",
    ),
  priority: z
    .int()
    .min(-1000)
    .max(1000)
    .default(0)
    .describe(
      "Higher goes first, from -1000 to 1000. Over 0 needs the verb prioritize on the pool. May be changed at any time.",
    ),
  suspend: z
    .boolean()
    .default(false)
    .describe("True stops what runs, without counting it as a retry, and starts nothing; false goes on."),
  cancel: z
    .boolean()
    .default(false)
    .describe(
      "True ends the task for good: what runs is stopped, results that are there stay. It cannot be taken back.",
    )
    .meta(
      validations([
        { rule: "self || !oldSelf", message: "cancel is final and cannot be taken back; create another task" },
      ]),
    ),
  retries: z
    .int()
    .min(0)
    .max(100)
    .default(0)
    .describe(
      "Further attempts for each failed item, at most 100. What a node's failure lost is run again without counting.",
    ),
  retryFailed: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .describe("Raise it to run the failed items once more; results that are there stay. It can only be raised.")
    .meta(
      validations([
        {
          rule: "self >= oldSelf",
          message: "retryFailed counts the times that failed items were run again, so it can only be raised",
        },
      ]),
    ),
  expectedItemSeconds: z
    .int()
    .min(1)
    .max(31_536_000)
    .exactOptional()
    .describe(
      "How long an item is likely to run, for whoever plans before one has ended. What was learned of this task or of its template goes first.",
    ),
  itemTimeoutSeconds: z
    .int()
    .min(1)
    .max(31_536_000)
    .exactOptional()
    .describe(
      "How long an item may run: a shard's container is stopped after this, times its items. Absent: no limit.",
    ),
  startTimeoutSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .default(1800)
    .describe("How long a Pod may take to start its container, pulling images included.")
    .meta(fixed("startTimeoutSeconds")),
  results,
  activeDeadlineSeconds: z
    .int()
    .min(1)
    .max(31_536_000)
    .exactOptional()
    .describe("How long the whole task may take from its first start. Absent: no limit."),
  ttlSecondsAfterFinished: z
    .int()
    .min(0)
    .max(315_360_000)
    .exactOptional()
    .describe("Delete the task with its results so long after its end. Absent: kept. May be changed at any time."),
  template: storedTemplate,
});

type TaskFields = Omit<z.output<typeof taskFields>, "template">;

const taskRules: readonly Rule<TaskFields>[] = [
  // The API server asks the rules of fields too that the schema has refused. One that it cannot compute is told as the
  // whole text of them all, unless another one is broken: so what is counted with is judged first.
  {
    ofFixed: true,
    rule: `type(self.chunk.size) == int ? self.chunk.size >= 1 && self.chunk.size <= ${chunkItemsMax} : self.chunk.size == 'Auto'`,
    message: `spec.chunk.size ${chunkSizes}; give one of these, or leave it out for one item a shard`,
    fieldPath: ".chunk.size",
  },
  {
    ofFixed: true,
    rule: "isQuantity(string(self.results.maxBytes))",
    message:
      "spec.results.maxBytes is not an amount; give a number of bytes, with a suffix where it helps, such as 16Mi",
    fieldPath: ".results.maxBytes",
  },
  {
    ofFixed: true,
    rule: `[${sources.map((source) => `has(self.items.${source})`).join(", ")}].filter(given, given).size() == 1`,
    message: `items must have exactly one of ${sources.join(", ")}`,
    fieldPath: ".items",
    holds: ({ items }) => sources.filter((source) => items[source] !== undefined).length === 1,
  },
  ...["range", "matrix"].map((source): Rule<TaskFields> => {
    const shards = `(${source === "range" ? rangeCount("self.items.range") : matrixCount("self.items.matrix")} + int(self.chunk.size) - 1) / int(self.chunk.size)`;
    return {
      ofFixed: true,
      rule: `self.chunk.size == 'Auto' || !has(self.items.${source}) || ${shards} <= ${shardCountMax}`,
      message: `chunk.size is too small: the items make more than ${shardCountMax} shards; raise it`,
      fieldPath: ".chunk.size",
    };
  }),
  {
    ofFixed: true,
    rule: "self.chunk.size == 1 || self.chunk.mode == 'Whole' || size(self.template.spec.containers) == 0 || (has(self.template.spec.containers[0].command) && size(self.template.spec.containers[0].command) > 0)",
    message:
      "chunk.size other than 1 in mode Each runs the command once for each item, so the container must state its command",
    fieldPath: ".template.spec.containers",
  },
  {
    ofFixed: true,
    rule: `quantity(string(self.results.maxBytes)).compareTo(quantity('${resultBytesMax}')) <= 0`,
    message: `results.maxBytes is over the limit of ${resultBytesMax}; keep large outputs in a storage of your own and their addresses as results`,
    fieldPath: ".results.maxBytes",
    holds: ({ results }) => bytesOf(results.maxBytes) <= bytesOf(resultBytesMax),
  },
  {
    rule: "!has(self.minParallelism) || !has(self.parallelism) || type(self.minParallelism) != int || self.minParallelism <= self.parallelism",
    message:
      "minParallelism is over parallelism, so nothing could ever start; raise parallelism or lower minParallelism",
    fieldPath: ".minParallelism",
    holds: ({ minParallelism, parallelism }) =>
      parallelism === undefined || typeof minParallelism !== "number" || minParallelism <= parallelism,
  },
  {
    ofFixed: true,
    rule: "!has(self.minParallelism) || type(self.minParallelism) == int || type(self.chunk.size) == int",
    message:
      "minParallelism All needs chunks of a fixed size: nobody knows how many there will be with Auto; give a number",
    fieldPath: ".minParallelism",
    holds: ({ minParallelism, chunk }) => minParallelism !== "All" || chunk.size !== "Auto",
  },
  ...["minParallelism", "expectedItemSeconds", "itemTimeoutSeconds", "activeDeadlineSeconds"].map((field) =>
    immutable(field),
  ),
];

export const pooledTaskSpec = taskFields
  .meta(validations(taskRules, ["items", "chunk"]))
  .describe("What to run, over what, where and how.");

/** As stored: the server has filled in the defaults. The template counts as read only after `parsePooledTask`. */
export type PooledTaskSpec = Omit<z.output<typeof pooledTaskSpec>, "template"> & { readonly template: PodTemplate };
/** As users write it. */
export type PooledTaskSpecInput = Omit<z.input<typeof pooledTaskSpec>, "template"> & { readonly template: PodTemplate };

export type Reduce = PooledTaskSpec["results"]["reduce"];

export type { PooledTaskStatus, TaskFailure } from "./pooled-task-status.ts";

export interface PooledTask extends KubeObject {
  readonly kind: "PooledTask";
  readonly spec: PooledTaskSpec;
  readonly status?: PooledTaskStatus;
}

export const pooledTasks: Resource<PooledTask> = {
  group,
  version,
  kind: "PooledTask",
  plural: "pooledtasks",
  namespaced: true,
};

const judgedFields = taskFields.extend({ template: z.unknown() });

/** Reads a stored task as hostile input: never throws, tells every problem. */
export function parsePooledTask(object: unknown): Parsed<{ readonly spec: PooledTaskSpec }> {
  const fields = read(judgedFields, taskRules, specOf(object), "spec", reasonOf);
  if (!fields.ok) return fields;
  const { template: written, ...spec } = fields.value;
  const [problem, ...more] = templateProblems(written, spec.chunk);
  if (problem !== undefined) return { ok: false, problems: [problem, ...more] };
  return { ok: true, spec: { ...spec, template: allowedTemplate.parse(written) } };
}

function reasonOf(field: string): Problem["reason"] {
  return field.startsWith("spec.items") ? "ItemsInvalid" : "TaskInvalid";
}
