// Brings one tree of pools to the state that its plan describes: observe → plan → apply → report. Knows no policy.
import { type Clock, type ObjectKey, TerminalError } from "@dsl/kube-operator";
import { Memo, type Plan, planPool } from "../scheduling/index.ts";
import { Adviser } from "./adviser.ts";
import type { Applier } from "./apply.ts";
import { Forecaster } from "./forecaster.ts";
import { type Observed, type ObserveInput, observe } from "./observe.ts";
import { treesOf } from "./observed/pools.ts";
import { LeadershipLost } from "./pool-lock.ts";
import { QueueMemories } from "./queue-memories.ts";
import type { Reporter } from "./report.ts";
import { StatisticsKeeper } from "./statistics-keeper.ts";
import { TaskReader } from "./task-reader.ts";

export interface PoolReconcilerOptions extends ObserveInput {
  readonly applier: Applier;
  readonly reporter: Reporter;
  readonly clock: Clock;
  /** Told of each plan and how long it took; metrics hang here. */
  readonly onPlan?: (observed: Observed, plan: Plan, tookMs: number) => void;
  /** Lets everything else that is ready run, between the steps that only compute. */
  readonly giveWay?: () => Promise<void>;
  /** Another operator leads. */
  readonly onLeadershipLost: (error: LeadershipLost) => void;
  /**
   * Wakes a root again. What failed is tried again after a delay that grows to minutes; the time-outs of all other tasks
   * must not wait as long as one that can never be written.
   */
  readonly wake: (root: ObjectKey, afterMs: number) => void;
}

/** What is known of a tree from one turn to the next. */
interface OfRoot {
  readonly statistics: StatisticsKeeper;
  readonly forecaster: Forecaster;
  readonly adviser: Adviser;
  /** Makes the next plan faster; nothing depends on it. */
  readonly memo: Memo;
}

/** Whatever is overdue and cannot be done is not asked for without a pause. */
const leastSleepMs = 50;

export class PoolReconciler {
  readonly #options: PoolReconcilerOptions;
  readonly #roots = new Map<string, OfRoot>();
  readonly #queues = new QueueMemories();
  readonly #reader: TaskReader;

  constructor(options: PoolReconcilerOptions) {
    this.#options = options;
    this.#reader = new TaskReader(options);
  }

  async reconcile(root: ObjectKey): Promise<void> {
    const { applier, reporter, clock, giveWay } = this.#options;
    // A child has its place in the tree of its root; who woke it by its own name meant a pool that was there before.
    if (treesOf(this.#options.stores).rootOf(root.name) !== root.name) return this.#forget(root);
    await applier.claim(root.name).catch((error: unknown) => this.#raise([error]));
    const read = await this.#reader.read(root, clock.now());

    const now = clock.now();
    const observed = observe({ ...this.#options, queueMemory: this.#queues.of(root.name) }, root.name, now);
    if (isGone(observed)) return this.#forget(root);
    await giveWay?.();
    const { statistics: keeper, forecaster, adviser, memo } = this.#of(root, now);
    const plan = this.#plan(observed, now, memo);
    await giveWay?.();
    const statistics = keeper.update(observed, plan, now);
    const forecasts = forecaster.of(observed, plan, now);
    const advice = adviser.of(observed, plan, statistics, now);
    const begunAt = clock.monotonic();
    const recorded = await applier.record(observed, plan, now);
    await giveWay?.();
    // Progress is told as soon as it is recorded: it waits for no Pod that is slow to be created.
    const [outcome, told] = await Promise.all([
      applier.apply(observed, plan, now, begunAt),
      reporter.reportTasks(observed, plan, forecasts.told, now),
    ]);
    await giveWay?.();
    const memory = this.#queues.remember(observed, plan, outcome.putOff);
    const reported = await reporter.reportPools(observed, { ...plan, memory }, statistics, advice.told, now);

    const steps = [read, forecasts, advice, recorded, outcome, told, reported];
    const moments = [plan, observed, ...steps].map(({ wakeAt }) => wakeAt);
    const wakeAt = earliest(...moments);
    if (wakeAt !== undefined) this.#options.wake(root, Math.max(leastSleepMs, wakeAt - clock.now()));
    this.#raise(steps.flatMap(({ errors }) => errors));
  }

  #plan(observed: Observed, now: number, memo: Memo): Plan {
    const { clock, onPlan } = this.#options;
    const before = clock.monotonic();
    const plan = planPool(observed.snapshot, now, memo);
    onPlan?.(observed, plan, clock.monotonic() - before);
    return plan;
  }

  #of(root: ObjectKey, now: number): OfRoot {
    const { clock, wake } = this.#options;
    let found = this.#roots.get(root.name);
    if (found === undefined) {
      const memo = new Memo();
      const ready = (): void => wake(root, 0);
      found = {
        statistics: new StatisticsKeeper(now),
        forecaster: new Forecaster(clock, memo, ready),
        adviser: new Adviser(clock, ready),
        memo,
      };
      this.#roots.set(root.name, found);
    }
    return found;
  }

  /** All that is kept by its name alone. */
  #forget({ name }: ObjectKey): void {
    this.#roots.delete(name);
    this.#queues.forget(name);
    this.#options.reporter.forgetRoot(name);
  }

  /** One failed write is retried with the next plan, after a delay that grows. */
  #raise(errors: readonly unknown[]): void {
    const lost = errors.find((error) => error instanceof LeadershipLost);
    if (lost instanceof LeadershipLost) {
      this.#options.onLeadershipLost(lost);
      throw new TerminalError(lost.message, { cause: lost });
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1)
      throw new AggregateError(errors, `${errors.length} requests failed, the first: ${String(errors[0])}`);
  }
}

/** There is no pool of that name or below it, and no task that names it: nothing of it can be planned or told. */
function isGone({ pools, tasks, asleep }: Observed): boolean {
  return pools.size === 0 && tasks.length === 0 && asleep.every(({ size }) => size === 0);
}

function earliest(...moments: readonly (number | undefined)[]): number | undefined {
  const known = moments.filter((moment) => moment !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
