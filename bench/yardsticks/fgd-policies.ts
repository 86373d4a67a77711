// The placement policies that FGD was published with, digit for digit: whole scores, and which devices a pod takes. They are
// no policies of the product; they live here so that the product's stand beside them.

import { randomFrom } from "../../src/simulator/random.ts";
import { fragmentsOf, type TypicalPod, typicalPods } from "./fgd-fragments.ts";
import {
  deviceKind,
  type FgdNode,
  fittingDevices,
  isShare,
  type NodeState,
  type NodeStates,
  tightestDevices,
} from "./fgd-node.ts";
import type { FgdTrace, PodKind } from "./fgd-trace.ts";

/** How good a node is on which the pod fits, and which devices it would take there. The highest goes. */
export interface Rating {
  readonly score: number;
  readonly devices: readonly number[];
}

export interface FgdPolicy {
  readonly rate: (node: FgdNode, kind: PodKind) => Rating;
  /** Moves on when ratings given before do not hold any more; absent: they hold as long as the node does not change. */
  readonly epoch?: () => number;
  /** Told of each arrival before it is placed. */
  readonly arrive?: (kind: PodKind) => void;
  /** Told of each placement; `before` is the state that the node was in. */
  readonly place?: (node: FgdNode, before: NodeState) => void;
}

export type MakePolicy = (trace: FgdTrace, states: NodeStates, seed: number, nodes: readonly FgdNode[]) => FgdPolicy;

/** The largest node of the published cluster: scores are shares of it. */
const cpuMax = 128_000;
const devicesMax = 8000;

export const published: Readonly<Record<string, MakePolicy>> = {
  "fgd/FGD": (trace, states) => {
    const typical = typicalPods(trace.pods);
    return byState((kind, state) => fgd(kind, state, states, typical));
  },
  "fgd/BestFit": () => byState((kind, state) => withTightest(bestFit(kind, state), kind, state)),
  "fgd/DotProd": () => byState((kind, state) => withTightest(dotProduct(kind, state), kind, state)),
  "fgd/GpuClustering": () => ({ rate: clustering }),
  "fgd/GpuPacking": () => byState(packing),
  "fgd/Random": (_trace, _states, seed) => random(seed),
};

/** A score that depends on the node's state alone is computed once a state. */
function byState(rateState: (kind: PodKind, state: NodeState) => Rating): FgdPolicy {
  const known = new Map<NodeState, Map<PodKind, Rating>>();
  return {
    rate: ({ state }, kind) => {
      const ofState = known.get(state) ?? new Map<PodKind, Rating>();
      if (ofState.size === 0) known.set(state, ofState);
      const rating = ofState.get(kind) ?? rateState(kind, state);
      ofState.set(kind, rating);
      return rating;
    },
  };
}

function withTightest(score: number, kind: PodKind, state: NodeState): Rating {
  return { score, devices: tightestDevices(kind, state) };
}

function deviceRequest({ devices, deviceMilli }: PodKind): number {
  return devices * deviceMilli;
}

function bestFit(kind: PodKind, state: NodeState): number {
  const cpu = ((state.cpuMilli - kind.cpuMilli) / cpuMax) * 0.5;
  const devices = ((state.deviceMilli - deviceRequest(kind)) / devicesMax) * 0.5;
  return Math.trunc(100 * (1 - (cpu + devices)));
}

function dotProduct(kind: PodKind, state: NodeState): number {
  const cpu = (state.cpuMilli / cpuMax) * (kind.cpuMilli / cpuMax);
  const devices = (state.deviceMilli / devicesMax) * (deviceRequest(kind) / devicesMax);
  return Math.trunc(100 * (1 - (cpu + devices) / 2));
}

function clustering({ state, hosted }: FgdNode, kind: PodKind): Rating {
  return withTightest(kind.devices === 0 ? 0 : clusteringScore(state, hosted, deviceKind(kind)), kind, state);
}

function clusteringScore(state: NodeState, hosted: ReadonlySet<string>, kind: string): number {
  const base = Math.trunc((25 * (devicesMax - state.deviceMilli)) / devicesMax);
  if (hosted.has(kind)) return base + (hosted.size === 1 ? 75 : 50);
  return base + (hosted.size === 0 ? 25 : 0);
}

function packing(kind: PodKind, state: NodeState): Rating {
  const devices = tightestDevices(kind, state);
  if (kind.devices === 0) return { score: 0, devices };
  if (state.isUnused) {
    const { devices: count } = state.spec;
    return { score: Math.max(33 - count, count), devices };
  }
  const free = devices.map((device) => state.devices[device] ?? 0);
  const whole = free.filter((each) => each === 1000).length;
  if (whole > 0) return { score: Math.max(50 - whole, 33), devices };
  const percent = free.reduce((sum, each) => sum + Math.trunc((each * 100) / 1000), 0);
  return { score: Math.max(100 - Math.trunc(percent / 10), 50), devices };
}

function fgd(kind: PodKind, state: NodeState, states: NodeStates, typical: readonly TypicalPod[]): Rating {
  const before = fragmentsOf(state, typical);
  const choices = isShare(kind)
    ? fittingDevices(kind, state).map((device) => [device])
    : [tightestDevices(kind, state)];
  let best: Rating | undefined;
  for (const devices of choices) {
    const gained = (before - fragmentsOf(states.after(state, kind, devices), typical)) / 1000;
    const score = Math.trunc(100 / (1 + Math.exp(-gained)));
    if (best === undefined || score > best.score) best = { score, devices };
  }
  if (best === undefined) throw new Error("a pod that fits has a device to go to");
  return best;
}

/** Any node on which it fits, any device there. */
function random(seed: number): FgdPolicy {
  const chance = randomFrom(seed);
  let arrived = 0;
  return {
    arrive: () => {
      arrived += 1;
    },
    epoch: () => arrived,
    rate: ({ state }, kind) => {
      const fitting = fittingDevices(kind, state);
      const one = fitting[Math.floor(chance() * fitting.length)] ?? 0;
      return { score: chance(), devices: isShare(kind) ? [one] : tightestDevices(kind, state) };
    },
  };
}
