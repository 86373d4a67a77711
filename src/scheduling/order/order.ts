// What a comparison of the order chain is. Does not know which ones there are.
import type { Contender } from "../contender.ts";

export interface Order {
  readonly name: string;
  /** The rank depends on what has started, in this plan too: such a task is asked again after each start. */
  readonly moves: boolean;
  /** What it needs from plan to plan. Absent: nothing. */
  readonly remembers?: "turns" | "use";
  /** Within equal bands alone a task that has waited long passes those that this order puts before it. Absent: always. */
  readonly band?: (contender: Contender) => number;
  /** The task with the smaller rank goes first; equal ranks leave it to the next comparison. */
  readonly rank: (contender: Contender) => number;
}
