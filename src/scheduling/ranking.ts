// Nodes by score, the best first. Each stands in it once and moves when its score does, so that it never holds more than
// there are nodes, however often they change. Does not know what a score means.

/** A binary heap; nodes are numbers from 0 on, and among equal scores the lower one is better. */
export class Ranking {
  private readonly nodes: number[] = [];
  /** Of each, at the same place. */
  private readonly scores: number[] = [];
  /** By node, where it stands; -1: nowhere. */
  private readonly places: number[];

  constructor(count: number) {
    this.places = new Array<number>(count).fill(-1);
  }

  get best(): number | undefined {
    return this.nodes[0];
  }

  set(node: number, score: number): void {
    const at = this.places[node] as number;
    if (at < 0) this.rise(this.nodes.length, node, score);
    else this.settle(at, node, score);
  }

  remove(node: number): void {
    const at = this.places[node] as number;
    if (at < 0) return;
    this.places[node] = -1;
    const last = this.nodes.pop() as number;
    const score = this.scores.pop() as number;
    if (last !== node) this.settle(at, last, score);
  }

  /** Takes the best out, and says what its score was. */
  pop(): number {
    const score = this.scores[0] as number;
    this.remove(this.nodes[0] as number);
    return score;
  }

  clear(): void {
    for (let i = 0; i < this.nodes.length; i += 1) this.places[this.nodes[i] as number] = -1;
    this.nodes.length = 0;
    this.scores.length = 0;
  }

  /** Where another stood before. */
  private settle(at: number, node: number, score: number): void {
    if (at > 0 && this.isBetter(node, score, (at - 1) >> 1)) this.rise(at, node, score);
    else this.sink(at, node, score);
  }

  private rise(from: number, node: number, score: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBetter(node, score, parent)) break;
      this.put(at, this.nodes[parent] as number, this.scores[parent] as number);
      at = parent;
    }
    this.put(at, node, score);
  }

  private sink(from: number, node: number, score: number): void {
    const { nodes, scores } = this;
    let at = from;
    for (let child = 2 * at + 1; child < nodes.length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < nodes.length && this.isBetter(nodes[right] as number, scores[right] as number, child)) child = right;
      if (this.isBetter(node, score, child)) break;
      this.put(at, nodes[child] as number, scores[child] as number);
      at = child;
    }
    this.put(at, node, score);
  }

  private isBetter(node: number, score: number, at: number): boolean {
    const other = this.scores[at] as number;
    return score > other || (score === other && node < (this.nodes[at] as number));
  }

  private put(at: number, node: number, score: number): void {
    this.nodes[at] = node;
    this.scores[at] = score;
    this.places[node] = at;
  }
}
