// Scores of nodes by what a shard takes away from the shards that usually come. Follows the ledger; nodes that are alike and
// have the same free share one state. Does not know what a kind is worth, nor what a node can do for it.
import { selects, tolerates } from "../constraints.ts";
import type { Kind } from "../kinds.ts";
import { add, type Ledger, type NodeRoom, type Request } from "../ledger.ts";
import { Outlook, type Weigh } from "./outlook.ts";
import type { Scoring } from "./placement.ts";

/** What a node with so much free can do for a kind that it admits. */
export type KindMeasure = (request: Request) => (free: Float64Array) => number;

interface RoomState {
  readonly free: Float64Array;
  /** By kind, whether its constraints admit the node; shared by nodes that are alike. */
  readonly admits: Admission;
  readonly after: Map<Request, RoomState>;
}

interface Admission {
  readonly key: string;
  readonly kinds: readonly boolean[];
}

/** Many kinds have the same constraints, and many nodes the same answers. */
function admissionsOf(rooms: readonly NodeRoom[], kinds: readonly Kind[]): readonly Admission[] {
  const places = [...Map.groupBy(kinds, ({ where }) => where).values()].flatMap(([kind]) => kind ?? []);
  const shared = new Map<string, Admission>();
  return rooms.map(({ node }) => {
    const open = places.map(({ constraints }) => selects(constraints, node) && tolerates(constraints, node.taints));
    const key = open.map(Number).join("");
    let admission = shared.get(key);
    if (admission === undefined) {
      const admitted = new Set(places.filter((_, i) => open[i]).map(({ where }) => where));
      admission = { key, kinds: kinds.map(({ where }) => admitted.has(where)) };
      shared.set(key, admission);
    }
    return admission;
  });
}

export class RoomOutlook implements Scoring {
  private readonly ledger: Ledger;
  private readonly outlook: Outlook<RoomState>;
  private readonly states = new Map<string, RoomState>();
  private readonly admissions: readonly Admission[];
  /** By room index. */
  private readonly current: RoomState[];
  /** How many of the ledger's changes it knows. */
  private seen: number;

  constructor(ledger: Ledger, kinds: readonly Kind[], weigh: Weigh, measure: KindMeasure) {
    this.ledger = ledger;
    this.seen = ledger.changes.length;
    const measures = kinds.map(({ request }) => measure(ledger.requestOf(request)));
    const shares = kinds.map(({ share }) => share);
    this.admissions = admissionsOf(ledger.rooms, kinds);
    this.current = ledger.rooms.map(({ index, free }) => this.shared(index, free));
    const usable = this.current.filter((_, index) => ledger.rooms[index]?.usable);
    const measureAll = ({ free, admits }: RoomState): Float64Array => {
      const all = new Float64Array(measures.length);
      for (let kind = 0; kind < all.length; kind += 1) {
        if (admits.kinds[kind]) all[kind] = measures[kind]?.(free) ?? 0;
      }
      return all;
    };
    this.outlook = new Outlook(shares, weigh, measureAll, usable);
  }

  get epoch(): number {
    this.catchUp();
    return this.outlook.epoch;
  }

  readonly score = (room: NodeRoom, request: Request): number => {
    this.catchUp();
    const isNow = this.ledger.rooms[room.index]?.free === room.free;
    const before = (isNow && this.current[room.index]) || this.shared(room.index, room.free);
    return this.outlook.gain(before, this.afterOf(before, room.index, request));
  };

  private catchUp(): void {
    const { changes, rooms } = this.ledger;
    for (; this.seen < changes.length; this.seen += 1) {
      const index = changes[this.seen] ?? 0;
      const room = rooms[index];
      const before = this.current[index];
      if (room === undefined || before === undefined) continue;
      const after = this.shared(index, room.free);
      this.current[index] = after;
      if (after !== before && room.usable) this.outlook.change(before, after);
    }
  }

  private afterOf(state: RoomState, index: number, request: Request): RoomState {
    let after = state.after.get(request);
    if (after === undefined) {
      const free = state.free.slice();
      add(free, request, -1);
      after = this.shared(index, free);
      state.after.set(request, after);
    }
    return after;
  }

  private shared(index: number, free: Float64Array): RoomState {
    const admits = this.admissions[index] ?? { key: "", kinds: [] };
    const key = `${admits.key} ${free.join()}`;
    let state = this.states.get(key);
    if (state === undefined) {
      state = { free: free.slice(), admits, after: new Map() };
      this.states.set(key, state);
    }
    return state;
  }
}
