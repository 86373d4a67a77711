// `kubectl pool map`: a command over items, results in order on standard output.
import { isNotFound, type KubeApi } from "@dsl/kube-operator";
import type { ChunkSize } from "../api/chunks.ts";
import { imageNameProblem } from "../api/image-name.ts";
import type { PooledTask, Reduce } from "../api/pooled-task.ts";
import { taskStage } from "../view/task-row.ts";
import type { Arguments, Options } from "./arguments.ts";
import { namesTheItem } from "./capture.ts";
import { createTask, type UnnamedRequest } from "./create-task.ts";
import { notReducedText, tellEnding } from "./ending.ts";
import { followTask } from "./follow-task.ts";
import { checkItems, linesOf, splitCommand } from "./items.ts";
import { pooledTasks } from "./kinds.ts";
import { type ResultFormat, ResultPrinter } from "./result-printer.ts";
import { commandFor } from "./tasks.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";
import type { Verb } from "./verb.ts";

const options = {
  pool: { value: "POOL", help: "the ResourcePool to run in (required)" },
  image: { value: "IMAGE", help: "the container image, best with a tag (required)" },
  name: { value: "NAME", help: "name of the task; default: map- and five random letters" },
  chunk: {
    value: "N",
    help: "items a Pod runs, one after the other; default: Auto, as many as last half a minute",
  },
  mode: {
    value: "MODE",
    choices: ["Each", "Whole"],
    help: "Whole: run once a chunk, which is in $POOL_ITEMS_FILE, and print one result a line",
  },
  parallelism: { value: "N", help: "Pods at once, at most; default: as many as fit" },
  retries: { value: "N", help: "further attempts for each failed item; default: 0" },
  reduce: {
    value: "HOW",
    choices: ["None", "Sum", "Count", "Min", "Max", "Concat"],
    help: "print what all results make together instead: Sum, Count, Min, Max or Concat",
  },
  request: { value: "LIST", help: "what each Pod asks for, such as cpu=100m,memory=64Mi" },
  "item-timeout": { value: "SPAN", help: "stop an item that runs longer, such as 60s" },
  output: { short: "o", value: "FORMAT", choices: ["json", "jsonl"], help: "results with times and nodes, as JSON" },
  rm: { help: "delete the task once its results are printed, if all items succeeded" },
  detach: { help: "create the task, print its name, and do not wait" },
} as const satisfies Options;

export const map: Verb = {
  name: "map",
  summary: "run a command over items and print the results in their order",
  usage: "--pool POOL --image IMAGE [options] -- COMMAND [ARGS…] [::: ITEM…]",
  description: `Runs COMMAND once for each item, as many at once as the pool has places for, and prints the results in
the order of the items. Items are the lines of standard input, or the words after ":::". The command
finds its item in $POOL_ITEM and the item's number in $POOL_INDEX; what it prints on standard output, at
most 4096 bytes, is the result. A Pod runs many items, one after the other, as soon as it is known how
long one takes. The image needs /bin/sh, head, tail, tee, mkfifo and sleep; with --chunk 1, where each item
has a Pod of its own, /bin/sh and tee. An argument '$(POOL_ITEM)' becomes the item, and means --chunk 1;
everything else of COMMAND arrives as typed.

Exit status: 0 when every item succeeded, else 1, with the results of the others printed all the same.
Interrupting leaves the task running.`,
  options,
  examples: [
    {
      does: "The squares of 1 to 100, in order",
      command: "seq 100 | kubectl pool map --pool lab --image busybox:1.35 -- sh -c 'echo $((POOL_ITEM * POOL_ITEM))'",
    },
    {
      does: "Items on the command line, two tries each, 100m of CPU a Pod",
      command: `kubectl pool map --pool lab --image busybox:1.35 --retries 1 --request cpu=100m -- \\
    sh -c 'nslookup "$POOL_ITEM" | tail -n 1' ::: kubernetes.io example.org`,
    },
    {
      does: "One number from many, 50 items a Pod",
      command: `seq 1000 | kubectl pool map --pool lab --image busybox:1.35 --chunk 50 --reduce Sum -- \\
    sh -c 'echo $POOL_ITEM'`,
    },
  ],

  async run(session) {
    const { arguments: args, terminal, clock } = session;
    const { command, items: words } = splitCommand(commandOf(args));
    if (command.length === 0) throw new UsageError("the COMMAND after -- is missing");
    const parsed = parseRequest(args, command);
    const items = words ?? (await itemsFrom(terminal));
    checkItems(items, parsed.chunkSize);
    if (items.length === 0) {
      terminal.stderr.write("No items, so there is nothing to run.\n");
      return 0;
    }

    const { api, namespace } = await session.connect();
    const task = await createTask(api, { ...parsed, namespace }, items, session);
    const name = { name: task.metadata.name, namespace };
    if (args.flag("detach")) {
      terminal.stdout.write(`pooledtask.kube-pool.dev/${name.name}\n`);
      terminal.stderr.write(`Follow it: ${commandFor("results", name)} --follow\n`);
      return 0;
    }

    let printer: ResultPrinter | undefined;
    const isReduced = parsed.reduce !== "None";
    const ending = await followTask(task, {
      api,
      clock,
      terminal,
      printerFor: (write) => {
        const format = (args.text("output") ?? "text") as ResultFormat;
        // The results are read in any case: their warnings and failures are told at the end.
        const kept = isReduced ? () => undefined : write;
        printer = new ResultPrinter({
          itemCount: items.length,
          retries: task.spec.retries,
          order: "items",
          format,
          write: kept,
        });
        return printer;
      },
    });
    const finished = ending.kind === "finished" ? ending.task : undefined;
    if (finished !== undefined && isReduced) tellReduced(finished, terminal);
    const status = tellEnding(ending, name, terminal, printer);
    if (args.flag("rm")) await removeTask(api, finished, terminal);
    return finished?.status?.results?.notReduced === undefined ? status : 1;
  },
};

function commandOf(args: Arguments): readonly string[] {
  const [stray] = args.positionals;
  if (stray !== undefined) {
    throw new UsageError(
      `"${stray}" stands before --; write the command after it: -- ${[...args.positionals, ...(args.rest ?? [])].join(" ")}`,
    );
  }
  if (args.rest === undefined) throw new UsageError("the command is missing; write it after --: -- COMMAND [ARGS…]");
  return args.rest;
}

function parseRequest(args: Arguments, command: readonly string[]): UnnamedRequest {
  const required = (option: "pool" | "image", example: string): string => {
    const text = args.text(option);
    if (text === undefined || text === "")
      throw new UsageError(`--${option} is missing, such as --${option} ${example}`);
    return text;
  };
  const mode = args.text("mode") === "Whole" ? "Whole" : "Each";
  const chunkSize = chunkSizeOf(args, mode === "Each" && namesTheItem(command) ? 1 : "Auto");
  if ((chunkSize !== 1 || mode === "Whole") && namesTheItem(command)) {
    throw new UsageError(
      "$(POOL_ITEM) needs one item a shard, but --chunk is more; use the variable $POOL_ITEM in sh -c instead",
    );
  }
  const name = args.text("name");
  if (name !== undefined && !/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) {
    throw new UsageError(`--name must be at most 40 lower-case letters, digits and dashes, but is "${name}"`);
  }
  const image = required("image", "busybox:1.35");
  const problem = imageNameProblem(image);
  if (problem !== undefined) throw new UsageError(`--image: ${problem}`);
  return {
    name,
    pool: required("pool", "lab"),
    image,
    command,
    chunkSize,
    mode,
    parallelism: args.count("parallelism", 1),
    retries: args.count("retries", 0),
    reduce: (args.text("reduce") ?? "None") as Reduce,
    requests: parseRequests(args.text("request")),
    itemTimeoutSeconds: args.seconds("item-timeout"),
  };
}

function chunkSizeOf(args: Arguments, unsaid: ChunkSize): ChunkSize {
  const text = args.text("chunk");
  if (text === undefined) return unsaid;
  if (text === "Auto") return text;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError(`--chunk must be a whole number of at least 1, or Auto, but is "${text}"`);
}

function parseRequests(text: string | undefined): Readonly<Record<string, string>> | undefined {
  if (text === undefined) return undefined;
  const entries = text.split(",").map((part): [string, string] => {
    const [, resource, amount] = /^([a-z][A-Za-z0-9./-]*)=([0-9.]+[A-Za-z]{0,2})$/.exec(part) ?? [];
    if (resource !== undefined && amount !== undefined) return [resource, amount];
    throw new UsageError(`--request must be a list such as cpu=100m,memory=64Mi, but has "${part}" in it`);
  });
  return Object.fromEntries(entries);
}

async function itemsFrom({ stdin }: Terminal): Promise<readonly string[]> {
  if (stdin.isTTY) throw new UsageError("no items; pipe them in, one a line, or write them after :::");
  const text = await stdin.readText();
  if (text === undefined) throw new UsageError("standard input is not UTF-8 text, so it has no items");
  return linesOf(text);
}

function tellReduced(task: PooledTask, { stdout, stderr }: Terminal): void {
  const { reduced, notReduced } = task.status?.results ?? {};
  if (reduced !== undefined) stdout.write(`${reduced}\n`);
  if (notReduced !== undefined) stderr.write(`${notReducedText(task, notReduced)}\n`);
}

async function removeTask(api: KubeApi, task: PooledTask | undefined, { stderr }: Terminal): Promise<void> {
  const keep = (why: string): void => void stderr.write(`The task is kept in spite of --rm, since ${why}.\n`);
  if (task === undefined || taskStage(task) !== "Succeeded") return keep("not all items succeeded");
  if (task.status?.results?.notReduced !== undefined) return keep("its results are in it alone");
  const { name, namespace, uid } = task.metadata;
  await api
    .delete(pooledTasks, { name, ...(namespace !== undefined && { namespace }) }, { uid })
    .catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
}
