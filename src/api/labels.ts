// The names by which our objects are found and held in a cluster. Labels find objects; only the owner's UID decides
// whose they are.
import { group } from "./group.ts";

export const labels = {
  task: `${group}/task`,
  taskUid: `${group}/task-uid`,
  pool: `${group}/pool`,
  shard: `${group}/shard`,
  attempt: `${group}/attempt`,
  /** On a Job that attempts of a task share: which one of them, from 0. */
  round: `${group}/round`,
} as const;

export const annotations = {
  /** On a Pod of several items: the items, one a line. */
  items: `${group}/items`,
  /** On a Job: the hash of what was meant, so that AlreadyExists can be told from a foreign object. */
  specHash: `${group}/spec-hash`,
  /** On a Job that attempts share: how their Pods come to a node, and why so. */
  binding: `${group}/binding`,
  bindingReason: `${group}/binding-reason`,
} as const;

export const finalizers = {
  /** Holds a Job until what became of its attempt is recorded. */
  record: `${group}/record`,
  /** Holds a task until its children are gone. */
  cleanup: `${group}/cleanup`,
} as const;

/** Kubernetes refuses label values over this length. */
const labelValueLengthMax = 63;

/** What the names of all children of a task begin with: a task created anew under its old name has other children. */
export function childName(task: { readonly metadata: { readonly name: string; readonly uid: string } }): string {
  return `${task.metadata.name}-${task.metadata.uid.slice(0, 6)}`;
}

/** The ConfigMap that holds the n-th segment of a task's records, counted from 0. */
export function recordsName(child: string, segment: number): string {
  return `${child}-results-${segment}`;
}

/** The n-th Job that attempts of a task share: a finished one cannot be opened again, so a retry of failed items has its own. */
export function roundName(child: string, round: number): string {
  return `${child}-round-${round}`;
}

/** The Job, or the Pod, of one attempt at a shard. At most 40 + 1 + 6 + 1 + 6 + 1 + 8 characters, so it is a label value too. */
export function attemptName(child: string, shard: number, attempt: number): string {
  const name = `${child}-${shard}-${attempt}`;
  if (name.length > labelValueLengthMax)
    throw new RangeError(`name of an attempt over ${labelValueLengthMax}: ${name}`);
  return name;
}
