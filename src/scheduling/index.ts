// The pure scheduling core: planPool decides, gives reasons, and touches nothing. A map of this folder, in its order:
//   model, resources      what a plan is made from: plain data, integer amounts
//   plan                  planPool(snapshot, now): the numbered story
//   stops                 1 what must stop, and when time alone changes a plan
//   ledger, usage         2 what is free so far in this plan; the pool's numbers
//   queue, order/         3 who may start something, and whose turn it is
//   fit, constraints      4 the nodes on which a shard fits; turn: a task takes what there is
//   placement/              which of them is best
//   reasons, shortage     5 why everybody else waits, in a word and a sentence
//   decision              what comes out
//   statistics            the pool's numbers in status, kept by change points; task-statistics: W, P, T, E
export * from "./decision.ts";
export type * from "./model.ts";
export { defaultOrder, type OrderName, orderNames } from "./order/index.ts";
export { defaultPlacement, type PlacementName, placementNames } from "./placement/index.ts";
export { planPool } from "./plan.ts";
export { amountOfText, amountText, covers, dominantShare, minus, plus, requestText, times } from "./resources.ts";
export {
  boundedSlowdownMilli,
  countAt,
  fairness,
  observeAt,
  type PoolEvent,
  type PoolLevels,
  type PoolStatistics,
  type StatisticsState,
  startStatistics,
  statisticsOf,
  statisticsWindowMs,
} from "./statistics.ts";
export { refusalPatienceMs } from "./stops.ts";
export {
  type AttemptFacts,
  noAttempts,
  type TaskFacts,
  type TaskStatistics,
  taskStatistics,
  withAttempt,
} from "./task-statistics.ts";
