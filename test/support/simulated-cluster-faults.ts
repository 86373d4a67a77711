// Faults by enumeration: a workload is run once as it is, then once for each write that the operator made in it and each
// thing that can befall a write. However it goes, the end has to be the same. Knows no workload.
import { ApiError } from "@dsl/kube-operator";
import type { EngineChoice } from "../../src/controller/engine-choice.ts";
import type { ClusterBuilder, SimulatedCluster } from "./simulated-cluster.ts";
import type { Expectations } from "./simulated-cluster-history.ts";
import { type Interceptor, type OperatorWrite, writeText } from "./simulated-cluster-operator.ts";

export interface Workload {
  readonly name: string;
  readonly cluster: () => ClusterBuilder;
  /** What people do, until all has ended. */
  readonly play: (cluster: SimulatedCluster) => Promise<void>;
  /** What has to be the same in the end. */
  readonly end: (cluster: SimulatedCluster) => unknown;
  readonly expectations?: Expectations;
}

/** The same workload, begun with another engine. */
export function on(engine: EngineChoice, workload: Workload): Workload {
  return {
    ...workload,
    name: `${workload.name}, ${engine.name}`,
    cluster: () => workload.cluster().withEngine(engine),
  };
}

const refusal = (code: number, reason: string, more: object = {}): ApiError =>
  new ApiError({ code, reason, message: `${reason}, as the plan wants it`, ...more });
const reset = (): Error => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

/** What befalls one write. Kills come with a new process, a moment later. */
export const happenings = {
  "killed before commit": async (_write, _send, operator) => operator.kill(),
  "killed, committed but answer lost": async (_write, send, operator) => {
    await send().catch(() => undefined);
    operator.kill();
  },
  "killed after the answer": async (_write, send, operator) => {
    operator.killAfterAnswer();
    return await send();
  },
  conflict: () => Promise.reject(refusal(409, "Conflict")),
  "too many requests": () => Promise.reject(refusal(429, "TooManyRequests", { details: { retryAfterSeconds: 1 } })),
  "server error": () => Promise.reject(refusal(500, "InternalError")),
  "reset before": () => Promise.reject(reset()),
  "reset after": async (_write, send) => {
    await send();
    throw reset();
  },
} satisfies Record<string, Interceptor>;

export type Happening = keyof typeof happenings;
export const crashes = Object.keys(happenings).filter((name): name is Happening => name.startsWith("killed"));
export const errors = Object.keys(happenings).filter((name): name is Happening => !name.startsWith("killed"));

export interface FaultPlan {
  /** As `writeText` has it, and which one of that text, from 1. */
  readonly write: string;
  readonly nth: number;
  readonly what: Happening;
}

const restartMs = 300;

export interface Reference {
  readonly end: string;
  /** Those that changed something, in order. */
  readonly writes: readonly { readonly write: string; readonly nth: number; readonly kind: string }[];
}

export async function referenceOf(workload: Workload): Promise<Reference> {
  const cluster = await workload.cluster().start();
  await workload.play(cluster);
  const problems = await problemsOf(workload, cluster);
  if (problems.length > 0) throw new Error(`${workload.name} does not even run undisturbed:\n${problems.join("\n")}`);
  const seen = new Map<string, number>();
  const writes = cluster.writes.flatMap((write) => {
    const text = writeText(write);
    const nth = (seen.get(text) ?? 0) + 1;
    seen.set(text, nth);
    return write.revision === undefined ? [] : [{ write: text, nth, kind: kindOf(write) }];
  });
  return { end: JSON.stringify(workload.end(cluster)), writes };
}

/** `patch pooledtasks/status` */
function kindOf({ verb, plural, subresource }: OperatorWrite): string {
  return `${verb} ${plural}${subresource === undefined ? "" : `/${subresource}`}`;
}

/** Every write, in every way. */
export function everyPlan({ writes }: Reference, whats: readonly Happening[]): readonly FaultPlan[] {
  return writes.flatMap(({ write, nth }) => whats.map((what) => ({ write, nth, what })));
}

/** One write of each kind, from the middle of the work, in every way. */
export function planForEachKind({ writes }: Reference, whats: readonly Happening[]): readonly FaultPlan[] {
  const kinds = Map.groupBy(writes, ({ kind }) => kind);
  const chosen = [...kinds.values()].map((alike) => alike[Math.floor(alike.length / 2)]);
  return chosen.flatMap((each) =>
    each === undefined ? [] : whats.map((what) => ({ write: each.write, nth: each.nth, what })),
  );
}

/** What went otherwise than without the fault; each line says how to come back to it. */
export async function runPlan(workload: Workload, reference: Reference, plan: FaultPlan): Promise<readonly string[]> {
  let count = 0;
  let wasMet = false;
  const builder = workload.cluster().withOperators();
  const cluster = await builder.start();
  const intercept: Interceptor = async (write, send, operator) => {
    if (writeText(write) !== plan.write) return await send();
    count += 1;
    if (count !== plan.nth) return await send();
    wasMet = true;
    if (plan.what.startsWith("killed")) {
      cluster.world.clock.after(restartMs, () => cluster.startOperator({ name: "operator-2" }));
    }
    return await happenings[plan.what](write, send, operator);
  };
  cluster.startOperator({ name: "operator-1", intercept });
  const problems: string[] = [];
  try {
    await workload.play(cluster);
    problems.push(...(await problemsOf(workload, cluster)));
    const end = JSON.stringify(workload.end(cluster));
    if (end !== reference.end) problems.push(`ended as ${end} instead of ${reference.end}`);
  } catch (error) {
    problems.push(String(error));
  }
  if (!wasMet) problems.push("the write of this plan never came");
  for (const operator of cluster.operators) operator.kill();
  return problems.map((problem) => `${workload.name}, ${plan.write} #${plan.nth}, ${plan.what}: ${problem}`);
}

async function problemsOf(workload: Workload, cluster: SimulatedCluster): Promise<readonly string[]> {
  await cluster.settle();
  return [...cluster.history.violations(workload.expectations), ...cluster.leftovers()];
}

/** All plans, one after the other. */
export async function runPlans(
  workload: Workload,
  choose: (reference: Reference) => readonly FaultPlan[],
): Promise<{ readonly count: number; readonly problems: readonly string[] }> {
  const reference = await referenceOf(workload);
  const plans = choose(reference);
  const problems: string[] = [];
  for (const plan of plans) problems.push(...(await runPlan(workload, reference, plan)));
  return { count: plans.length, problems };
}
