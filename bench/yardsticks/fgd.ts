// `yardstick fgd`: pods arrive one by one on nodes with devices, and never leave; how much of the devices stays unallocated.
// The procedure of FGD (USENIX ATC'23), for its own policies and for the product's.
import { FgdChoice } from "./fgd-choice.ts";
import { deviceKind, FgdNode, NodeStates } from "./fgd-node.ts";
import type { MakePolicy } from "./fgd-policies.ts";
import type { FgdTrace } from "./fgd-trace.ts";

export interface FgdResult {
  /** By how much had arrived, 0 to 130 % of the devices. */
  readonly unallocatedPercent: readonly number[];
  /** By kind (cpu-only, share, 1, 2 … devices): arrived demand that found no node, in per cent of its own. */
  readonly droppedPercent: Readonly<Record<string, number>>;
}

const columns = 131;

export function runFgd(trace: FgdTrace, makePolicy: MakePolicy, seed: number): FgdResult {
  const states = new NodeStates();
  const nodes = trace.ranked.map((spec) => new FgdNode(spec, states));
  const policy = makePolicy(trace, states, seed, nodes);
  const choice = new FgdChoice(nodes, policy);
  const cells = Array.from({ length: columns }, () => ({ sum: 0, count: 0 }));
  const demand = new Map<string, { asked: number; dropped: number }>();
  let arrived = 0;
  let used = 0;
  for (const kind of trace.arrivals) {
    const asks = kind.devices * kind.deviceMilli;
    arrived += asks;
    policy.arrive?.(kind);
    const best = choice.best(kind);
    const group = deviceKind(kind) || "cpu";
    const ofGroup = demand.get(group) ?? { asked: 0, dropped: 0 };
    demand.set(group, ofGroup);
    const size = asks || kind.cpuMilli;
    ofGroup.asked += size;
    if (best === undefined) {
      ofGroup.dropped += size;
    } else {
      const { node, state, rating } = best;
      node.state = states.after(state, kind, rating.devices);
      if (kind.devices > 0) node.hosted.add(deviceKind(kind));
      choice.changed(node);
      policy.place?.(node, state);
      used += asks;
    }
    const cell = cells[halfToEven((100 * arrived) / trace.capacity)];
    if (cell) {
      cell.sum += hundredths((100 * used) / trace.capacity);
      cell.count += 1;
    }
  }
  const allocated: number[] = [];
  // A column in which nothing arrived stays where the last one was.
  for (const { sum, count } of cells) allocated.push(count > 0 ? hundredths(sum / count) : (allocated.at(-1) ?? 0));
  return {
    unallocatedPercent: allocated.map((percent) => hundredths(100 - percent)),
    droppedPercent: Object.fromEntries(
      [...demand]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([group, of]) => [group, hundredths((100 * of.dropped) / of.asked)]),
    ),
  };
}

function halfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
