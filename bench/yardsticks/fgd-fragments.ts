// Fragmentation as FGD defines it: how much of a node's free devices the typical pods of a trace cannot use. In the
// published order of sums, since scores are truncated.
import { admitsModel, devicesFit, type NodeState } from "./fgd-node.ts";
import type { PodKind } from "./fgd-trace.ts";

export interface TypicalPod {
  readonly kind: PodKind;
  readonly weight: number;
}

/** Of all pods, so many are covered by the typical ones. */
const covered = 0.95;

/** The most frequent kinds, memory apart; of equals the larger first. */
export function typicalPods(pods: readonly PodKind[]): readonly TypicalPod[] {
  const groups = [
    ...Map.groupBy(pods, (kind) => `${kind.cpuMilli} ${kind.deviceMilli} ${kind.devices} ${kind.models}`),
  ];
  const counted = groups.flatMap(([, [kind, ...others]]) => (kind ? [{ kind, count: others.length + 1 }] : []));
  const spec = ({ models }: PodKind): string => models.join("|");
  counted.sort(
    ({ kind: a, count: m }, { kind: b, count: n }) =>
      n - m ||
      b.cpuMilli - a.cpuMilli ||
      b.deviceMilli - a.deviceMilli ||
      b.devices - a.devices ||
      (spec(a) > spec(b) ? -1 : 1),
  );
  let sum = 0;
  const end = counted.findIndex(({ count }) => {
    sum += count;
    return sum >= covered * pods.length;
  });
  return counted.slice(0, end + 1).map(({ kind, count }) => ({ kind, weight: count / sum }));
}

/** Free thousandths of devices that the typical pods cannot use, in the mean. */
export function fragmentsOf(state: NodeState, typical: readonly TypicalPod[]): number {
  let lackBoth = 0;
  let lackDevices = 0;
  let lackCpu = 0;
  let cpuOnlyFits = 0;
  let cpuOnlyLacks = 0;
  let noAccess = 0;
  const free = state.deviceMilli;
  for (const { kind, weight } of typical) {
    const cpuFits = kind.cpuMilli <= state.cpuMilli;
    if (kind.devices === 0) {
      if (cpuFits) cpuOnlyFits += weight * free;
      else cpuOnlyLacks += weight * free;
    } else if (!admitsModel(kind, state.spec)) {
      noAccess += weight * free;
    } else if (!devicesFit(kind, state)) {
      if (cpuFits) lackDevices += weight * free;
      else lackBoth += weight * free;
    } else if (!cpuFits) {
      lackCpu += weight * free;
    } else {
      let tooSmall = 0;
      for (const each of state.devices) if (each < kind.deviceMilli) tooSmall += each;
      lackDevices += weight * tooSmall;
    }
  }
  return lackBoth + lackDevices + lackCpu + cpuOnlyFits + cpuOnlyLacks + noAccess;
}
