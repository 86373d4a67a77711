// Is there a node for a shard, and which is best? Tasks that ask for the same under the same constraints share one
// answer, so that what does not fit is found once, not once a task. Does not know whose turn it is.
import { admitsEver, tolerates } from "./constraints.ts";
import type { Ask, Facts } from "./facts.ts";
import { fits, type Ledger, type NodeRoom, type Request, timesIn } from "./ledger.ts";
import type { Constraints, Task } from "./model.ts";
import type { Scoring } from "./placement/placement.ts";
import { Ranking } from "./ranking.ts";

/** The nodes for all shards under the same constraints, by name. */
export class Choice {
  /** What the constraints admit at all, be it cordoned, not ready or left out at the moment. */
  readonly admitted: readonly NodeRoom[];
  /** What may take a shard now, if there is room. */
  readonly open: readonly NodeRoom[];
  /** The same, by room index. */
  readonly isOpen: readonly boolean[];
  /** How many nodes are left out because they refused a shard of the task. */
  readonly excluded: number;

  constructor(admitted: readonly NodeRoom[], open: readonly NodeRoom[], isOpen: readonly boolean[], excluded: number) {
    this.admitted = admitted;
    this.open = open;
    this.isOpen = isOpen;
    this.excluded = excluded;
  }
}

/** All shards that ask for the same under the same constraints. What it says of its nodes is found once. */
export class Shape implements Choice {
  readonly ask: Ask;
  readonly request: Request;
  readonly placement: Scoring;
  readonly candidates: Candidates;
  readonly admitted: readonly NodeRoom[];
  readonly open: readonly NodeRoom[];
  readonly isOpen: readonly boolean[];
  readonly excluded: number;
  private fitting: boolean | undefined;
  private places: number | undefined;

  constructor(ledger: Ledger, placement: Scoring, ask: Ask, choice: Choice) {
    this.ask = ask;
    this.request = ledger.requestOf(ask.request);
    this.placement = placement;
    this.admitted = choice.admitted;
    this.open = choice.open;
    this.isOpen = choice.isOpen;
    this.excluded = choice.excluded;
    this.candidates = new Candidates(ledger, placement, this.request, choice);
  }

  /** No node of the pool could ever hold such a shard, however empty; what is cordoned or not ready may come back. */
  get neverFits(): boolean {
    this.fitting ??= this.admitted.some(({ allocatable }) => fits(this.request, allocatable));
    return !this.fitting;
  }

  /** How many would find room once our own shards have ended. */
  get placesOnceOursEnd(): number {
    // As an integer: a field that holds a fraction, or could, costs an object each time that it is read.
    this.places ??= Math.min(placesMax, placesIn(this.open, this.request)) | 0;
    return this.places;
  }
}

/** More than any task could want. */
const placesMax = 2 ** 30;

function placesIn(rooms: readonly NodeRoom[], request: Request): number {
  let places = 0;
  for (let i = 0; i < rooms.length; i += 1) places += timesIn(request, (rooms[i] as NodeRoom).emptied);
  return places;
}

/** What has been found where the same nodes are left out. */
class Known {
  readonly choices = new Map<Constraints, Choice>();
  readonly shapes = new Map<Ask, Shape>();
}

export class Fit {
  private readonly ledger: Ledger;
  private readonly placement: Scoring;
  private readonly now: number;
  /** Where no node is left out, and, by those that are, where some are. */
  private readonly anywhere = new Known();
  private readonly elsewhere = new Map<string, Known>();

  constructor(ledger: Ledger, placement: Scoring, now: number) {
    this.ledger = ledger;
    this.placement = placement;
    this.now = now;
  }

  shapeOf({ task, ask, moves }: Facts): Shape {
    const excluded = moves ? this.leftOut(task.excludedNodes) : none;
    const { choices, shapes } = excluded.length === 0 ? this.anywhere : this.without(excluded);
    let shape = shapes.get(ask);
    if (shape === undefined) {
      const choice = choices.get(ask.constraints) ?? this.choose(ask.constraints, excluded);
      choices.set(ask.constraints, choice);
      shape = new Shape(this.ledger, this.placement, ask, choice);
      shapes.set(ask, shape);
    }
    return shape;
  }

  private without(excluded: readonly string[]): Known {
    const key = JSON.stringify(excluded);
    const known = this.elsewhere.get(key) ?? new Known();
    this.elsewhere.set(key, known);
    return known;
  }

  private leftOut(excludedNodes: Task["excludedNodes"]): readonly string[] {
    if (excludedNodes.length === 0) return none;
    const names = excludedNodes.filter(({ until }) => until > this.now).map(({ node }) => node);
    return [...new Set(names)].sort();
  }

  private choose(constraints: Constraints, excluded: readonly string[]): Choice {
    const admitted = this.ledger.rooms.filter(({ node }) => admitsEver(constraints, node));
    const isExcluded = ({ node }: NodeRoom): boolean => excluded.includes(node.name);
    const open = admitted.filter(
      (room) => room.usable && !isExcluded(room) && tolerates(constraints, room.node.taints),
    );
    const isOpen = new Array<boolean>(this.ledger.rooms.length).fill(false);
    for (const { index } of open) isOpen[index] = true;
    return new Choice(admitted, open, isOpen, admitted.filter(isExcluded).length);
  }
}

const none: readonly never[] = [];

/** The nodes on which a shard fits, the best on top: they follow the ledger, and no node is asked twice. */
export class Candidates {
  private readonly ledger: Ledger;
  private readonly placement: Scoring;
  private readonly request: Request;
  private readonly open: readonly NodeRoom[];
  private readonly isOpen: readonly boolean[];
  private ranking: Ranking | undefined;
  /** How many of the ledger's changes the ranking knows. */
  private seen = -1;
  /** The placement's epoch in which its scores were given. */
  private epoch = 0;

  constructor(ledger: Ledger, placement: Scoring, request: Request, { open, isOpen }: Choice) {
    this.ledger = ledger;
    this.placement = placement;
    this.request = request;
    this.open = open;
    this.isOpen = isOpen;
  }

  /** The node where the next shard goes, among those that `mayUse` lets it; undefined when it fits nowhere. */
  best(mayUse?: (room: NodeRoom) => boolean): NodeRoom | undefined {
    const ranking = this.catchUp();
    const { rooms } = this.ledger;
    const first = ranking.best;
    if (first === undefined || mayUse === undefined) return first === undefined ? undefined : rooms[first];
    const refused: number[] = [];
    const scores: number[] = [];
    let found: NodeRoom | undefined;
    for (let top = ranking.best; top !== undefined && found === undefined; top = ranking.best) {
      const room = rooms[top] as NodeRoom;
      if (mayUse(room)) {
        found = room;
      } else {
        refused.push(top);
        scores.push(ranking.pop());
      }
    }
    for (let i = 0; i < refused.length; i += 1) ranking.set(refused[i] as number, scores[i] as number);
    return found;
  }

  private catchUp(): Ranking {
    const { changes, rooms } = this.ledger;
    const { epoch } = this.placement;
    this.ranking ??= new Ranking(rooms.length);
    const { ranking } = this;
    if (this.seen < 0 || this.epoch !== epoch || changes.length - this.seen > this.open.length) {
      ranking.clear();
      for (let i = 0; i < this.open.length; i += 1) this.consider(this.open[i] as NodeRoom, ranking);
    } else {
      for (let i = this.seen; i < changes.length; i += 1) {
        const room = rooms[changes[i] ?? 0];
        if (room && this.isOpen[room.index]) this.consider(room, ranking);
      }
    }
    this.seen = changes.length;
    this.epoch = epoch;
    return ranking;
  }

  private consider(room: NodeRoom, ranking: Ranking): void {
    if (fits(this.request, room.free)) ranking.set(room.index, this.placement.score(room, this.request));
    else ranking.remove(room.index);
  }
}
