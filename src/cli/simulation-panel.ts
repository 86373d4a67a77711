// A run in virtual time as one panel of the picture. Draws nothing itself.
import { type Amounts, dominantShare, plus } from "../scheduling/index.ts";
import type { SimulatedRun, Workload } from "../simulator/simulate.ts";
import type { GanttPanel } from "../view/gantt.ts";

export function panelOf(title: string, { ran }: SimulatedRun, { nodes, submissions }: Workload): GanttPanel {
  const startMs = submissions.reduce((first, { task }) => Math.min(first, task.created), Number.POSITIVE_INFINITY);
  const requests = new Map(submissions.map(({ task }) => [task.key, withoutPlace(task.request)]));
  const capacities = new Map(nodes.map(({ name, allocatable }) => [name, allocatable]));
  const all = nodes.map(({ allocatable }) => allocatable).reduce(plus, {});
  return {
    title,
    nodes: nodes.map(({ name }) => name),
    runs: ran.map(({ task, shard, node, startedAt, endedAt }) => {
      const request = requests.get(task) ?? {};
      return {
        task,
        shard,
        node,
        fromMs: startedAt - startMs,
        toMs: endedAt - startMs,
        share: dominantShare(request, capacities.get(node) ?? {}),
        shareOfAll: dominantShare(request, all),
      };
    }),
  };
}

/** A place among a node's Pods is held too, but nobody looks at a picture for it; a shard of nothing else keeps it. */
function withoutPlace({ pods, ...rest }: Amounts): Amounts {
  return Object.keys(rest).length > 0 ? rest : { pods: pods ?? 1 };
}
