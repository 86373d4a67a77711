// One line of the table of yardsticks.

export interface YardstickRow {
  readonly name: string;
  /** What the source printed, or has proven. */
  readonly published: string;
  readonly ours: string;
  /** What the number went through: the product, or a harness beside it, by name. */
  readonly through: string;
  readonly holds: boolean;
}
