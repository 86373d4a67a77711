// The verbs, in the order in which help lists them. What asks the planner is evaluated only when it is asked: the
// schemas that it needs take longer to build than most verbs take for all they do.
import { cancel } from "./cancel.ts";
import { explainBy } from "./explain.ts";
import { failures } from "./failures.ts";
import { logs } from "./logs.ts";
import { map } from "./map.ts";
import { results } from "./results.ts";
import { resume } from "./resume.ts";
import { retry } from "./retry.ts";
import { simulate } from "./simulate.ts";
import { drain, start, stop } from "./stop-policy.ts";
import { suspend } from "./suspend.ts";
import { top } from "./top.ts";
import type { Verb } from "./verb.ts";
import { version } from "./version.ts";

export const verbs: readonly Verb[] = [
  map,
  top,
  explainBy({
    task: async (...question) => (await import("./explain-by-plan.ts")).explanationByPlan.task(...question),
    pool: async (...question) => (await import("./explain-by-plan.ts")).explanationByPlan.pool(...question),
  }),
  results,
  failures,
  logs,
  retry,
  cancel,
  suspend,
  resume,
  stop,
  drain,
  start,
  simulate,
  version,
];
