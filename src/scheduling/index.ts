// The pure scheduling core: planPool decides, gives reasons, and touches nothing. A map of this folder, in its order:
//   model, resources        what a plan is made from: plain data, integer amounts
//   plan, memo, facts       planPool(snapshot, now): the numbered story; what makes the next one faster, of each task
//   settle                  made again in thought, until nothing is left to do
//   stops                   1 what must stop, and when time alone changes a plan
//   ledger, usage, tree     2 what is free so far in this plan, on nodes and under the pools' limits
//   queue, line, contender  3 who may start something; order/: in which order; memory: what orders remember
//   turn, fit, placement/   4 whose turn it is between pools, the nodes on which a shard fits, the best of them (ranking); kinds:
//                           the shards that usually come, for placements that learn
//   preemption, lent, cheapest  whose shards stop for a task that waits, and the places that are kept for it
//   backfill, releases, later  who passes a task that waits; when places free; what nodes and limits have left then
//   estimate                how long shards last
//   learned, cut            what is learned of times, under the keys that tasks share; how large the next chunk gets
//   reasons, shortage       5 why everybody else waits, in a word and a sentence
//   forward, run-forward, forecast  the plan run on in time; what-if, advice/: under small changes, and what would help
//   decision                what comes out; statistics, task-statistics: the numbers in status, kept by change points
export { advise, adviseNow } from "./advice/advise.ts";
export { type Recommendation, type RecommendationType, recommendationTypes } from "./advice/recommendation.ts";
export { type CutRule, chunkItems, chunksLeft, placesOn, probeStartMs, probesAfter } from "./cut.ts";
export * from "./decision.ts";
export { timeLeftMs } from "./estimate.ts";
export { forecast, forecastNow, type TaskForecast, type WouldStart } from "./forecast.ts";
export {
  expectationFor,
  type History,
  itemMsOf,
  type Keys,
  keysOf,
  type Learned,
  learn,
  nothingLearned,
  type Observation,
  withSample,
} from "./learned.ts";
export { Memo } from "./memo.ts";
export type * from "./model.ts";
export { defaultOrder, movingOrders, type OrderName, orderNames } from "./order/index.ts";
export { defaultPlacement, type PlacementName, placementNames } from "./placement/index.ts";
export { planPool } from "./plan.ts";
export { amountOfText, amountText, covers, dominantShare, minus, plus, requestText, times } from "./resources.ts";
export {
  boundedSlowdownMilli,
  countAt,
  fairness,
  observeAt,
  type Party,
  type PoolEvent,
  type PoolLevels,
  type PoolStatistics,
  type StatisticsState,
  satisfaction,
  startStatistics,
  statisticsOf,
  statisticsWindowMs,
} from "./statistics.ts";
export { earliest, refusalPatienceMs } from "./stops.ts";
export {
  type AttemptFacts,
  noAttempts,
  type TaskFacts,
  type TaskStatistics,
  taskStatistics,
  withAttempt,
} from "./task-statistics.ts";
