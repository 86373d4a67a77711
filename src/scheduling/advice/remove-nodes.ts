// RemoveNodes: nodes without a shard that the busiest five minutes of the last hour would not have needed.
import type { Node } from "../model.ts";
import { compareText } from "../order/chain.ts";
import { type Amounts, dominantShare, minus, plus } from "../resources.ts";
import { statisticsWindowMs } from "../statistics.ts";
import type { AdviceKind, Situation } from "./advise.ts";
import { leastSavedMs } from "./recommendation.ts";

/** What was held at most leaves as much again free on the nodes that stay. */
const fullestPart = 0.5;
/** Of the window, what is missing for lack of a whole step does not matter. */
const windowPart = 0.9;
const nodesNamed = 5;

export const removeNodes: AdviceKind = function* (situation) {
  const { snapshot, front, trials, statistics } = situation;
  const root = snapshot.pools.find(({ parent }) => parent === undefined);
  if (root === undefined || statistics === undefined || front.length > 0) return [];
  const { busiest, windowMs, utilizationPercent, meanFirstStartMs = 0 } = statistics;
  const isKnown = windowMs >= windowPart * statisticsWindowMs && Object.values(busiest).some((amount) => amount > 0);
  if (!isKnown || meanFirstStartMs >= leastSavedMs) return [];
  yield;
  const spare = spareNodes(situation, busiest);
  const [like] = spare;
  if (like === undefined) return [];
  const gone = new Set(spare);
  const changed = { ...snapshot, nodes: snapshot.nodes.filter((node) => !gone.has(node)) };
  if (!(yield* trials.isNoWorse(changed))) return [];
  const after = Math.round(100 * dominantShare(busiest, roomOf(changed.nodes)));
  const before = Math.round(100 * dominantShare(busiest, roomOf(snapshot.nodes)));
  return [
    {
      type: "RemoveNodes",
      pool: root.name,
      reason: `over the last hour ${utilizationPercent}% was used, and tasks began within a minute`,
      gain: `${countText(spare.length)} like ${like.name} less; of the others the busiest five minutes used ${after}%, instead of ${before}%`,
      cost: `what comes beyond that waits; no shard runs on ${namesText(spare)} now`,
    },
  ];
};

/** The most of one kind that can go, those with least on them first; of each kind one stays. */
function spareNodes({ snapshot, held }: Situation, busiest: Amounts): readonly Node[] {
  const usable = snapshot.nodes.filter(({ ready, cordoned }) => ready && !cordoned);
  const all = roomOf(usable);
  let most: readonly Node[] = [];
  const byKind = Map.groupBy(usable, kindOf);
  for (const kind of [...byKind.keys()].sort(compareText)) {
    const alike = byKind.get(kind) ?? [];
    const empty = alike
      .filter((node) => held.isEmpty(node))
      .sort(byUse)
      .slice(0, alike.length - 1);
    const spare: Node[] = [];
    let room = all;
    for (const node of empty) {
      room = minus(room, minus(node.allocatable, node.foreign));
      if (dominantShare(busiest, room) > fullestPart) break;
      spare.push(node);
    }
    if (spare.length > most.length) most = spare;
  }
  return most;
}

/** What tells one kind of node from another: what it offers, and whom it admits. */
function kindOf({ allocatable, labels, taints }: Node): string {
  const { "kubernetes.io/hostname": _, ...kind } = labels;
  const inOrder = (of: object): unknown => Object.entries(of).sort(([a], [b]) => compareText(a, b));
  return JSON.stringify([inOrder(allocatable), inOrder(kind), taints]);
}

function byUse(a: Node, b: Node): number {
  const use = ({ foreign, allocatable }: Node): number => dominantShare(foreign, allocatable);
  return use(a) - use(b) || compareText(a.name, b.name);
}

function roomOf(nodes: readonly Node[]): Amounts {
  return nodes
    .filter(({ ready, cordoned }) => ready && !cordoned)
    .map(({ allocatable, foreign }) => minus(allocatable, foreign))
    .reduce(plus, {});
}

function countText(nodes: number): string {
  return nodes === 1 ? "1 node" : `${nodes} nodes`;
}

function namesText(nodes: readonly Node[]): string {
  const names = nodes.slice(0, nodesNamed).map(({ name }) => name);
  const others = nodes.length - names.length;
  return others > 0 ? `${names.join(", ")} and ${others} more` : names.join(", ");
}
