// A node of FGD's model while a trace runs: devices of 1000 thousandths that pods take whole or in part. Knows what fits;
// knows no policy. States are shared: nodes that have the same free are in the same state.
import type { NodeSpec, PodKind } from "./fgd-trace.ts";

/** What a node has free. */
export interface NodeState {
  readonly cpuMilli: number;
  readonly memoryMib: number;
  /** By device, in thousandths. */
  readonly devices: readonly number[];
  /** Of all devices. */
  readonly deviceMilli: number;
  readonly spec: Pick<NodeSpec, "devices" | "model">;
  readonly isUnused: boolean;
}

export class FgdNode {
  readonly spec: NodeSpec;
  state: NodeState;
  /** The device kinds of the pods that it hosts. */
  readonly hosted = new Set<string>();

  constructor(spec: NodeSpec, states: NodeStates) {
    this.spec = spec;
    this.state = states.empty(spec);
  }
}

export class NodeStates {
  private readonly known = new Map<string, NodeState>();

  empty({ cpuMilli, memoryMib, devices, model }: NodeSpec): NodeState {
    return this.shared(
      cpuMilli,
      memoryMib,
      Array.from({ length: devices }, () => 1000),
      { devices, model },
    );
  }

  /** The state once such a pod has taken its part of these devices. */
  after(state: NodeState, kind: PodKind, taken: readonly number[]): NodeState {
    const devices = [...state.devices];
    for (const device of taken) devices[device] = (devices[device] ?? 0) - kind.deviceMilli;
    return this.shared(state.cpuMilli - kind.cpuMilli, state.memoryMib - kind.memoryMib, devices, state.spec);
  }

  private shared(cpuMilli: number, memoryMib: number, devices: readonly number[], spec: NodeState["spec"]): NodeState {
    const key = `${cpuMilli} ${memoryMib} ${devices} ${spec.model}`;
    let state = this.known.get(key);
    if (state === undefined) {
      const deviceMilli = devices.reduce((sum, free) => sum + free, 0);
      state = { cpuMilli, memoryMib, devices, deviceMilli, spec, isUnused: devices.every((free) => free === 1000) };
      this.known.set(key, state);
    }
    return state;
  }
}

export function isShare({ devices, deviceMilli }: PodKind): boolean {
  return devices === 1 && deviceMilli < 1000;
}

/** The kind of devices that it asks for: a share, one, two; the empty word for none. */
export function deviceKind(kind: PodKind): string {
  if (kind.devices === 0) return "";
  return isShare(kind) ? "share" : `${kind.devices}`;
}

export function admitsModel({ models, devices }: PodKind, { model }: NodeState["spec"]): boolean {
  return devices === 0 || models.length === 0 || models.includes(model);
}

/** Enough devices have enough free. */
export function devicesFit({ devices, deviceMilli }: PodKind, state: NodeState): boolean {
  let fitting = 0;
  for (const free of state.devices) if (free >= deviceMilli) fitting += 1;
  return fitting >= devices;
}

export function fitsIn(kind: PodKind, state: NodeState): boolean {
  if (kind.cpuMilli > state.cpuMilli || kind.memoryMib > state.memoryMib) return false;
  return kind.devices === 0 || (admitsModel(kind, state.spec) && devicesFit(kind, state));
}

/** Devices on which a part fits, by index. */
export function fittingDevices({ deviceMilli }: PodKind, { devices }: NodeState): readonly number[] {
  return devices.flatMap((free, index) => (free >= deviceMilli ? [index] : []));
}

/** The fitting device with the least free, the first of equals; whole devices by index. */
export function tightestDevices(kind: PodKind, state: NodeState): readonly number[] {
  const byFree = [...fittingDevices(kind, state)].sort(
    (a, b) => (state.devices[a] ?? 0) - (state.devices[b] ?? 0) || a - b,
  );
  return byFree.slice(0, kind.devices);
}
