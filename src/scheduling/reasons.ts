// Why a task waits, as one word and one sentence with amounts that a person can check. Does not decide anything.
import { lastingTaints, selects, tolerates } from "./constraints.ts";
import type { Contender } from "./contender.ts";
import type { Stop, Waiting, WaitReason } from "./decision.ts";
import type { Shape } from "./fit.ts";
import type { Ledger, NodeRoom } from "./ledger.ts";
import type { Line } from "./line.ts";
import { preemptedIn } from "./memory.ts";
import type { Pool, QueueMemory, Task } from "./model.ts";
import { compareText } from "./order/chain.ts";
import { atParallelism, backingOff, type Idle } from "./queue.ts";
import { amountOfText, amountText, requestText } from "./resources.ts";
import { asksFor, Shortages } from "./shortage.ts";
import type { PoolNode } from "./tree.ts";

/** One reason for each task that has shards to start or nothing running; those in the queues first, in their order. */
export function whyTheyWait(
  root: Pool | undefined,
  lines: readonly Line[],
  idle: readonly Idle[],
  ledger: Ledger,
  stops: readonly Stop[],
  now: number,
): readonly Waiting[] {
  const shortages = new Shortages(ledger);
  const inQueue: Waiting[] = [];
  const others: Waiting[] = idle.flatMap(waitingOf);
  for (const line of lines) {
    const preempted = preemptedIn(line, stops);
    const reasons = new Reasons(root ?? line.node.pool, shortages);
    line.atLast(staysInQueue).forEach((contender, at) => {
      inQueue.push(reasons.told(contender, at + 1, preempted));
    });
    for (const contender of line.contenders.filter(({ end }) => end?.kind === "Served")) {
      others.push(...waitingOf(afterServing(contender, now)));
    }
    for (const { task, shape, end } of line.contenders.filter((each) => each.end?.kind === "NeverFits")) {
      const at = end?.kind === "NeverFits" ? end.at : undefined;
      const message = neverFitsText(root ?? line.node.pool, shape, at, shortages);
      others.push({ task: task.key, reason: "NeverFits", message });
    }
  }
  return [...inQueue, ...others.sort((a, b) => compareText(a.task, b.task))];
}

function staysInQueue({ end }: Contender): boolean {
  return end?.kind !== "Served" && end?.kind !== "NeverFits";
}

type Reason = readonly [WaitReason, string];

/** Why one of the queue waits. */
class InQueue implements Waiting {
  readonly task: string;
  readonly reason: WaitReason;
  readonly message: string;
  readonly position: number;

  constructor(task: string, reason: WaitReason, message: string, position: number) {
    this.task = task;
    this.reason = reason;
    this.message = message;
    this.position = position;
  }
}

/** What tasks that ask for the same lack is put into words once, however many they are. */
class Reasons {
  private readonly pool: Pool;
  private readonly shortages: Shortages;
  private readonly limits = new Map<Shape, Map<PoolNode, Reason>>();
  private readonly lacks = new Map<Shape, Map<number, Reason>>();

  constructor(pool: Pool, shortages: Shortages) {
    this.pool = pool;
    this.shortages = shortages;
  }

  told(contender: Contender, position: number, preempted: QueueMemory["preempted"]): Waiting {
    const { key, uid } = contender.facts;
    const found = afterStops(this.of(contender, position), contender, preempted?.[uid]);
    return new InQueue(key, found[0], found[1], position);
  }

  private of({ task, shape, demand, end }: Contender, position: number): Reason {
    switch (end?.kind) {
      case "Promised":
        return ["PoolFull", ""];
      case "Limited":
        return demand > 1
          ? ["LimitReached", limitTogetherText(shape, demand, end.at, this.shortages.ledger)]
          : once(this.limits, shape, end.at, this.limitReached);
      case "Held":
        return ["HeldForHead", `a start now would delay ${nameFor(task, end.hold.contender.task)}, which goes first`];
      case "Behind":
        return ["BehindOthers", behindText(task, end.head.task, position)];
      default:
        return once(this.lacks, shape, demand, this.lack);
    }
  }

  private readonly limitReached = (shape: Shape, at: PoolNode): Reason => [
    "LimitReached",
    `${asksFor(shape)}; ${limitText(shape, 1, at, this.shortages.ledger)}`,
  ];

  private readonly lack = (shape: Shape, demand: number): Reason => noRoom(this.pool, shape, demand, this.shortages);
}

function once<K>(
  known: Map<Shape, Map<K, Reason>>,
  shape: Shape,
  key: K,
  words: (shape: Shape, key: K) => Reason,
): Reason {
  const found = known.get(shape)?.get(key);
  if (found !== undefined) return found;
  const reason = words(shape, key);
  known.set(shape, (known.get(shape) ?? new Map<K, Reason>()).set(key, reason));
  return reason;
}

/** What was stopped, for it or of it, comes before what it lacks. */
function afterStops(found: Reason, { claims }: Contender, why: "Preempted" | "Reclaimed" | undefined): Reason {
  if (claims.length === 0 && why === undefined) return found;
  const [reason, message] = found;
  if (claims.length > 0) {
    const shards = claims.length === 1 ? "1 shard of it" : `${claims.length} shards of it`;
    const first = `${shards} will start where shards are being stopped to make room`;
    return ["PoolFull", message === "" ? first : `${first}; ${message}`];
  }
  if (reason === "PoolNotReady") return found;
  const first =
    why === "Preempted"
      ? "shards of it gave way to a task of higher priority"
      : "shards of it gave way to what another pool has reserved";
  return ["Preempted", `${first}; ${message}`];
}

function waitingOf({ task, reason, message }: Idle): Waiting[] {
  return reason === undefined ? [] : [{ task: task.key, reason, message: message ?? "" }];
}

function afterServing({ queued: { task, startable }, starts }: Contender, now: number): Idle {
  const left = startable - starts.length;
  return left > 0 ? atParallelism(task, left, task.active.length + starts.length) : backingOff(task, now);
}

function behindText(task: Task, head: Task, position: number): string {
  const inFront =
    position === 1 ? "" : position === 2 ? "1 task is in front of it; " : `${position - 1} tasks are in front of it; `;
  return `${inFront}${nameFor(task, head)} waits for room, and nobody passes`;
}

/** What a task may read of another one. */
function nameFor(reader: Task, { namespace, name }: Task): string {
  return namespace === reader.namespace ? name : "a task of another namespace";
}

function limitText({ request }: Shape, count: number, { pool, use, limit }: PoolNode, { resources }: Ledger): string {
  const short = request.indexes.findIndex(
    (i, at) => (use[i] ?? 0) + count * (request.amounts[at] ?? 0) > (limit[i] ?? 0),
  );
  const index = request.indexes[short] ?? 0;
  const name = resources[index] ?? "";
  const left = amountOfText(name, Math.max(0, (limit[index] ?? 0) - (use[index] ?? 0)), "down");
  return `${pool.name} has ${left} left under its limit of ${amountText(name, limit[index] ?? 0, "down")}`;
}

function limitTogetherText(shape: Shape, demand: number, at: PoolNode, ledger: Ledger): string {
  const first = `${asksFor(shape)}, and ${demand} must start together`;
  return at.neverWithin(shape.request, demand) === undefined
    ? `${first}; ${limitText(shape, demand, at, ledger)}`
    : `${first}; the limit of ${at.pool.name} is ${requestText(at.pool.limit ?? {})}, too little even once all its shards have ended`;
}

function neverFitsText({ name }: Pool, shape: Shape, limited: PoolNode | undefined, shortages: Shortages): string {
  if (limited)
    return `${asksFor(shape)}; the limit of ${limited.pool.name} is ${requestText(limited.pool.limit ?? {})}`;
  const count = shape.admitted.length;
  if (count === 0) return noneAdmitsText(name, shape, shortages);
  const { kind, most } = shortages.of(shape, shape.admitted, "allocatable");
  const admitting =
    count === 1 ? `the one node of ${name} that admits it` : `the ${count} nodes of ${name} that admit it`;
  if (kind === "Together") return `${asksFor(shape)}; none of ${admitting} has all of that`;
  return `${asksFor(shape)}; ${count === 1 ? admitting : `the largest of ${admitting}`} has ${most}`;
}

const taintsTold = 3;

/** A node that only its taints close may have got them yesterday: these are named. */
function noneAdmitsText(pool: string, { ask: { constraints } }: Shape, { ledger }: Shortages): string {
  const selected = ledger.rooms.map(({ node }) => node).filter((node) => selects(constraints, node));
  if (selected.length === 0) return `no node of ${pool} matches its node selector and affinity`;
  const keepAway = selected.flatMap(lastingTaints).filter((taint) => !tolerates(constraints, [taint]));
  const texts = [
    ...new Set(keepAway.map(({ key, value, effect }) => `${key}${value === "" ? "" : `=${value}`}:${effect}`)),
  ];
  const more = texts.length > taintsTold ? ` and ${texts.length - taintsTold} more` : "";
  return `${eachNodeText(selected.length)} of ${pool} that its node selector and affinity allow has a taint that its template does not tolerate: ${texts.slice(0, taintsTold).join(", ")}${more}`;
}

function noRoom(pool: Pool, shape: Shape, demand: number, shortages: Shortages): [WaitReason, string] {
  const { usable, ledger } = shortages;
  if (usable === 0) return ["PoolNotReady", poolNotReadyText(pool, ledger.rooms)];
  if (shape.open.length === 0) return ["NoNodeFits", closedText(pool, shape)];
  const where = openText(pool, shape, usable);
  if (demand > 1) return togetherText(shape, demand, where, shortages);
  if (shape.placesOnceOursEnd < 1) {
    const { kind, most } = shortages.of(shape, shape.open, "emptied");
    const has = kind === "Together" ? "no one node with all of that" : `at most ${most} on one node`;
    return [
      "NoNodeFits",
      `${asksFor(shape)}; ${where} ${has}, even once all shards of the pool have ended${leftOutText(shape)}`,
    ];
  }
  const { kind, sum, most } = shortages.of(shape, shape.open, "free");
  const has = `${asksFor(shape)}; ${where}`;
  if (kind === "InSum") return ["PoolFull", `${has} ${sum} free${leftOutText(shape)}`];
  const onOne = kind === "OnOneNode" ? `${sum} free, at most ${most} on one node` : "that free, but not on one node";
  return ["NoNodeFits", `${has} ${onOne}${leftOutText(shape)}`];
}

function togetherText(shape: Shape, demand: number, where: string, shortages: Shortages): [WaitReason, string] {
  const first = `${asksFor(shape)}, and ${demand} must start together`;
  const atMost = shape.placesOnceOursEnd;
  if (atMost >= demand) return ["PoolFull", `${first}; ${where} room for ${shortages.placesFor(shape)}`];
  return ["NoNodeFits", `${first}; ${where} room for ${atMost}, even once all shards of the pool have ended`];
}

function openText({ name }: Pool, { open }: Shape, usable: number): string {
  if (open.length === usable) return `${name} has`;
  return open.length === 1
    ? `the one node of ${name} open to it has`
    : `the ${open.length} nodes of ${name} open to it have`;
}

function closedText({ name }: Pool, { admitted, excluded }: Shape): string {
  if (excluded === admitted.length)
    return `${nodesText(excluded)} of ${name} that it may use refused a shard and are left out for a while`;
  return `${eachNodeText(admitted.length)} of ${name} that it may use is cordoned, not ready or tainted${excluded > 0 ? ", or refused a shard" : ""}`;
}

function eachNodeText(count: number): string {
  return count === 1 ? "the one node" : `each of the ${count} nodes`;
}

function leftOutText({ excluded }: Shape): string {
  return excluded === 0 ? "" : `; left out for a while: ${nodesText(excluded)} that refused a shard`;
}

function poolNotReadyText({ name }: Pool, rooms: readonly NodeRoom[]): string {
  if (rooms.length === 0) return `${name} has no nodes yet`;
  const cordoned = rooms.filter(({ node }) => node.cordoned).length;
  return `none of the ${nodesText(rooms.length)} of ${name} can take a shard: ${cordoned} cordoned, ${rooms.length - cordoned} not ready`;
}

function nodesText(count: number): string {
  return count === 1 ? "1 node" : `${count} nodes`;
}
