// planPool: the whole decision as one story. Knows the order of the steps; each step is a file of its own.
import type { Decided, Decision, Plan } from "./decision.ts";
import { Ledger } from "./ledger.ts";
import { formLines, type Line } from "./line.ts";
import { Memo } from "./memo.ts";
import { memoryOf } from "./memory.ts";
import type { QueueMemory, Snapshot, Task } from "./model.ts";
import { Preemption } from "./preemption.ts";
import type { Idle } from "./queue.ts";
import { whyTheyWait } from "./reasons.ts";
import { Releases } from "./releases.ts";
import { type Opening, opening, type Pass, type Settled, settle } from "./settle.ts";
import { small, smallNow } from "./small.ts";
import { earliest, nextMoment, whatMustStop } from "./stops.ts";
import { plantTree, type Tree } from "./tree.ts";
import { takeTurns } from "./turn.ts";
import { childUsageOf, usageOf } from "./usage.ts";

/**
 * plan = f(snapshot, now): pure, total, and the same whatever the order in which the objects came. A memo that is given
 * again with the next snapshot makes it faster, and changes nothing else.
 */
export function planPool(snapshot: Snapshot, now: number, memo: Memo = new Memo()): Plan {
  const { pass, decisions } = settled(snapshot, now, memo);
  return pass.told(decisions);
}

/** The same without words for who waits: for whoever only wants to know what happens. */
export function decide(snapshot: Snapshot, now: number, memo: Memo = new Memo()): Decided {
  const { pass, decisions } = settled(snapshot, now, memo);
  return pass.decided(decisions);
}

function settled(snapshot: Snapshot, now: number, memo: Memo): Settled {
  if (kept.length === 0) keep();
  return settle(snapshot, now, (each) => passOver(each, now, memo));
}

/**
 * Once a collection of all memory finds no object of a kind, V8 forgets what it has learned and compiled for that kind. No
 * object of a plan outlives it, and the plan after a collection took three times as long: so those of a small one are kept.
 */
const kept: unknown[] = [];

function keep(): void {
  const pass = passOver(small, smallNow, new Memo());
  kept.push(pass, pass.told(pass.decisions));
}

function passOver(snapshot: Snapshot, now: number, memo: Memo): Pass {
  const reading = memo.read(snapshot.tasks);
  const moving = reading.moving.map(({ task }) => task);

  // 1. What runs too long, is refused or shall not run any more must stop.
  const stops = whatMustStop(moving, now);

  // 2. What is free: what foreign Pods and our shards leave on each node, and what each pool of the tree may still take.
  const ledger = new Ledger(snapshot, memo, reading);
  const tree = plantTree(snapshot, ledger);

  // 3. Who may start something: a line for each pool, in its order.
  const { lines, idle } = formLines(snapshot, reading.all, tree, ledger, now);

  // 4. Whose turn it is, on which node each shard goes; else whom may it preempt; and who passes a task that waits.
  const preemption = new Preemption(snapshot, tree, ledger, stops, lines, now);
  const running = (): Releases => new Releases(tree, ledger, now);
  const starts = takeTurns(tree.root, lines, ledger, running, preemption);

  // 5. What the next plan needs to know, and whether what this brings about may let the plan go on.
  return new PassOver(moving, now, ledger, tree, lines, idle, preemption, [...stops, ...preemption.stops, ...starts]);
}

/** A class though it is made once: literals that live through collections are put with what is old, and all of their plan with them. */
class PassOver implements Pass {
  readonly decisions: readonly Decision[];
  readonly memory?: Readonly<Record<string, QueueMemory>>;
  readonly opensAfter: Opening;
  private readonly moving: readonly Task[];
  private readonly now: number;
  private readonly ledger: Ledger;
  private readonly tree: Tree;
  private readonly lines: readonly Line[];
  private readonly idle: readonly Idle[];
  private readonly preemption: Preemption;

  constructor(
    moving: readonly Task[],
    now: number,
    ledger: Ledger,
    tree: Tree,
    lines: readonly Line[],
    idle: readonly Idle[],
    preemption: Preemption,
    decisions: readonly Decision[],
  ) {
    this.moving = moving;
    this.now = now;
    this.ledger = ledger;
    this.tree = tree;
    this.lines = lines;
    this.idle = idle;
    this.preemption = preemption;
    this.decisions = decisions;
    const memory = memoryOf(lines, preemption.stops);
    if (memory !== undefined) this.memory = memory;
    this.opensAfter = opening(lines, preemption);
  }

  // 6. When time alone makes a new plan.
  decided(decisions: readonly Decision[]): Decided {
    const { memory, moving, lines, now } = this;
    const wakeAt = earliest(nextMoment(moving, now), ...lines.map((line) => line.nextAgeing(now)));
    return { decisions, ...(memory !== undefined && { memory }), ...(wakeAt !== undefined && { wakeAt }) };
  }

  // 7. Why everybody else waits, and what is left.
  told(decisions: readonly Decision[]): Plan {
    const { memory, tree, lines, idle, ledger, preemption, now } = this;
    const waiting = whyTheyWait(tree.root?.pool, lines, idle, ledger, preemption.stops, now);
    const usage = usageOf(ledger, tree.root);
    const childUsage = childUsageOf(tree, ledger, usage);
    const { wakeAt } = this.decided(decisions);
    return {
      decisions,
      waiting,
      usage,
      ...(childUsage !== undefined && { childUsage }),
      ...(memory !== undefined && { memory }),
      ...(tree.problems.length > 0 && { problems: tree.problems }),
      ...(wakeAt !== undefined && { wakeAt }),
    };
  }
}
