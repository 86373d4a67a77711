// When tasks that wait are expected to start, and what would start them now. That takes many plans, so they are made one
// after the other between the turns of the loop; what is told is of a moment ago, and stays until the next is ready.
import type { Clock } from "@dsl/kube-operator";
import { forecast, type Memo, type Plan, type TaskForecast } from "../scheduling/index.ts";
import type { Observed } from "./observe.ts";
import { toldPositions } from "./task-status.ts";
import { unhurried } from "./unhurried.ts";

export interface Forecasts {
  /** By task. */
  readonly told: ReadonlyMap<string, TaskForecast>;
  /** When the next may be begun that is wanted now. */
  readonly wakeAt?: number;
  readonly errors: readonly unknown[];
}

/** What is expected moves with every end, and who reads it thinks in minutes. */
const everyMs = 60_000;
/** Where one stands in front of whom nothing is told yet. */
const newsEveryMs = 5000;

export class Forecaster {
  readonly #clock: Clock;
  readonly #memo: Memo;
  readonly #ready: () => void;
  #told: ReadonlyMap<string, TaskForecast> = new Map();
  #errors: readonly unknown[] = [];
  #isWorking = false;
  #begunAt = Number.NEGATIVE_INFINITY;

  /** `memo` is the one that the pool's plans use; `ready` is called when there is something new to tell. */
  constructor(clock: Clock, memo: Memo, ready: () => void) {
    this.#clock = clock;
    this.#memo = memo;
    this.#ready = ready;
  }

  /** What is known now of the tasks in front. Where that is old, or a task has come, a new forecast is begun. */
  of(observed: Observed, plan: Plan, now: number): Forecasts {
    const keys = plan.waiting.flatMap(({ task, position }) =>
      position !== undefined && position <= toldPositions ? [task] : [],
    );
    const isNews = keys.some((key) => !this.#told.has(key));
    const dueAt = this.#begunAt + (isNews ? newsEveryMs : everyMs);
    const isDue = now >= dueAt;
    if (keys.length > 0 && !this.#isWorking && isDue) void this.#work(observed, plan, keys, now);
    const errors = this.#errors;
    this.#errors = [];
    return { told: this.#told, errors, ...(isNews && !isDue && !this.#isWorking && { wakeAt: dueAt }) };
  }

  async #work({ snapshot }: Observed, plan: Plan, keys: readonly string[], now: number): Promise<void> {
    this.#isWorking = true;
    this.#begunAt = now;
    try {
      this.#told = await unhurried(this.#clock, forecast(snapshot, plan, keys, now, this.#memo));
    } catch (error) {
      this.#errors = [error];
    }
    this.#isWorking = false;
    this.#ready();
  }
}
