// The product's placements that learn, on FGD's traces. The rules are the product's own (src/scheduling/placement); what
// stands here is what the product has no word for: devices that pods share in parts. Learned from arrivals alone.
import { usableWeight } from "../../src/scheduling/placement/fragmentation-gradient.ts";
import { Outlook, type Weigh } from "../../src/scheduling/placement/outlook.ts";
import { copyWeight } from "../../src/scheduling/placement/packability.ts";
import {
  admitsModel,
  type FgdNode,
  fittingDevices,
  isShare,
  type NodeState,
  type NodeStates,
  tightestDevices,
} from "./fgd-node.ts";
import type { FgdPolicy, MakePolicy, Rating } from "./fgd-policies.ts";
import type { PodKind } from "./fgd-trace.ts";

/** Kinds are counted anew when so many more have arrived, as a part of those before. */
const recount = 0.05;

export const ofProduct: Readonly<Record<string, MakePolicy>> = {
  Packability: (_trace, states, _seed, nodes) => new Learner(nodes, states, copyWeight, copies),
  FragmentationGradient: (_trace, states, _seed, nodes) => new Learner(nodes, states, usableWeight, usable),
};

/**
 * How many such pods fit, with the part of one more. All that is free of devices counts for a pod that asks for whole ones,
 * where it fits; for one that asks for a part, each device on which it fits.
 */
function copies(kind: PodKind, state: NodeState): number {
  if (!admitsModel(kind, state.spec)) return 0;
  let count = Math.min(part(state.cpuMilli, kind.cpuMilli), part(state.memoryMib, kind.memoryMib));
  if (kind.devices > 0) {
    const fitting = fittingDevices(kind, state).length;
    const free = isShare(kind) ? fitting : state.deviceMilli / 1000;
    count = Math.min(count, fitting < kind.devices ? 0 : free / kind.devices);
  }
  return count < 1 || count === Number.POSITIVE_INFINITY ? 0 : count;
}

function part(free: number, asked: number): number {
  return asked === 0 ? Number.POSITIVE_INFINITY : free / asked;
}

/** How much of the node's devices such pods can use. */
function usable(kind: PodKind, state: NodeState): number {
  if (kind.devices === 0 || kind.cpuMilli > state.cpuMilli || !admitsModel(kind, state.spec)) return 0;
  const fitting = fittingDevices(kind, state);
  if (fitting.length < kind.devices) return 0;
  return fitting.reduce((sum, device) => sum + (state.devices[device] ?? 0), 0) / 1000;
}

interface Choice {
  readonly devices: readonly number[];
  readonly after: NodeState;
}

interface Known {
  readonly choices: readonly Choice[];
  epoch: number;
  rating: Rating | undefined;
}

class Learner implements FgdPolicy {
  private readonly nodes: readonly FgdNode[];
  private readonly states: NodeStates;
  private readonly weigh: Weigh;
  private readonly measure: (kind: PodKind, state: NodeState) => number;
  private readonly counts = new Map<PodKind, number>();
  private arrived = 0;
  private nextCount = 0;
  private outlook: Outlook<NodeState>;
  /** Epochs of earlier outlooks. */
  private past = 0;
  private readonly known = new Map<NodeState, Map<PodKind, Known>>();

  constructor(
    nodes: readonly FgdNode[],
    states: NodeStates,
    weigh: Weigh,
    measure: (kind: PodKind, state: NodeState) => number,
  ) {
    this.nodes = nodes;
    this.states = states;
    this.weigh = weigh;
    this.measure = measure;
    this.outlook = this.outlookOn([]);
  }

  arrive(kind: PodKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.arrived += 1;
    if (this.arrived < this.nextCount) return;
    this.nextCount = Math.max(this.arrived + 1, Math.ceil(this.arrived * (1 + recount)));
    const counted = [...this.counts].sort(([a, m], [b, n]) => n - m || a.id - b.id);
    this.past += this.outlook.epoch;
    this.outlook = this.outlookOn(counted);
  }

  epoch(): number {
    return this.past + this.outlook.epoch;
  }

  rate({ state }: FgdNode, kind: PodKind): Rating {
    const known = this.knownOf(state, kind);
    const epoch = this.epoch();
    if (known.rating === undefined || known.epoch !== epoch) {
      known.epoch = epoch;
      known.rating = this.best(state, known.choices);
    }
    return known.rating;
  }

  place(node: FgdNode, before: NodeState): void {
    this.outlook.change(before, node.state);
  }

  private outlookOn(counted: readonly (readonly [PodKind, number])[]): Outlook<NodeState> {
    const measureAll = (state: NodeState): Float64Array => {
      const all = new Float64Array(counted.length);
      for (let i = 0; i < all.length; i += 1) {
        const kind = counted[i]?.[0];
        if (kind) all[i] = this.measure(kind, state);
      }
      return all;
    };
    const shares = counted.map(([, count]) => count / this.arrived);
    const states = this.nodes.map(({ state }) => state);
    return new Outlook(shares, this.weigh, measureAll, states);
  }

  private best(state: NodeState, choices: readonly Choice[]): Rating {
    let best: Rating | undefined;
    for (const { devices, after } of choices) {
      const score = this.outlook.gain(state, after);
      if (best === undefined || score > best.score) best = { score, devices };
    }
    if (best === undefined) throw new Error("a pod that fits has a device to go to");
    return best;
  }

  private knownOf(state: NodeState, kind: PodKind): Known {
    const ofState = this.known.get(state) ?? new Map<PodKind, Known>();
    if (ofState.size === 0) this.known.set(state, ofState);
    let known = ofState.get(kind);
    if (known === undefined) {
      const choices = this.devicesFor(kind, state).map((devices) => ({
        devices,
        after: this.states.after(state, kind, devices),
      }));
      known = { choices, epoch: -1, rating: undefined };
      ofState.set(kind, known);
    }
    return known;
  }

  /** Devices with the same free are equally good. */
  private devicesFor(kind: PodKind, state: NodeState): readonly (readonly number[])[] {
    if (!isShare(kind)) return [tightestDevices(kind, state)];
    const { devices } = state;
    return fittingDevices(kind, state)
      .filter((device) => devices.indexOf(devices[device] ?? 0) === device)
      .map((device) => [device]);
  }
}
