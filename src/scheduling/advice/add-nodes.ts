// AddNodes: more nodes like one that is there, of the smallest kind that helps, and no more of them than it takes.
import type { Node } from "../model.ts";
import { covers, requestText } from "../resources.ts";
import { admits, bySize, moreLike } from "../what-if.ts";
import type { AdviceKind, Situation } from "./advise.ts";
import { savedText } from "./recommendation.ts";

const kindsMax = 3;
/** A large pool is not asked node by node. */
const firstPart = 1 / 16;

export const addNodes: AdviceKind = function* (situation) {
  const { snapshot, front, trials } = situation;
  const root = snapshot.pools.find(({ parent }) => parent === undefined);
  const first = front.find(({ waiting: { reason } }) => reason === "PoolFull" || reason === "NoNodeFits");
  if (root === undefined || first === undefined) return [];
  const { nodes } = snapshot;
  for (const like of kindsToAdd(situation)) {
    for (let count = Math.ceil(nodes.length * firstPart); count <= nodes.length; count *= 2) {
      const changed = { ...snapshot, nodes: [...nodes, ...moreLike(like, nodes, count)] };
      const found = yield* trials.savedBy(changed);
      if (found === undefined) continue;
      const waiting = front.length === 1 ? "1 task waits" : `${front.length} tasks wait in front`;
      const more = count === 1 ? "1 more node" : `${count} more nodes`;
      return [
        {
          type: "AddNodes",
          pool: root.name,
          reason: `${waiting}; of the first, ${first.waiting.message}`,
          gain: savedText(found.saved),
          cost: `${more} like ${like.name} (${requestText(like.allocatable)})`,
          found,
        },
      ];
    }
  }
  return [];
};

/** For each task in front the smallest that could hold a shard of it, the smallest of all first. */
function kindsToAdd({ snapshot, front }: Situation): readonly Node[] {
  const inOrder = [...snapshot.nodes].sort(bySize);
  const found = front.flatMap(
    ({ task }) => inOrder.find((node) => admits(node, task) && covers(node.allocatable, task.request)) ?? [],
  );
  return [...new Set(found)].sort(bySize).slice(0, kindsMax);
}
