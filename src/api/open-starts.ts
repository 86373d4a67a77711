// The starts that a pool's status remembers: decided, and their Pods not seen yet. Each is one text there, since the API
// server pays for every value of a status at every write of it. Does not know why a shard starts.
import * as z from "zod";
import { quantities } from "./quantity.ts";

const openStart = z.object({
  namespace: z.string().min(1).max(63),
  task: z.string().min(1).max(63),
  taskUid: z.string().min(1).max(64),
  shard: z.int().min(0),
  attempt: z.int().min(0),
  node: z.string().min(1).max(253),
  /** What the shard holds there. */
  request: quantities,
});

export type OpenStart = z.output<typeof openStart>;

/** Of names and amounts that are all as long as they may be. */
export const openStartBytesMax = 12_288;

/** `<namespace>/<task> <uid of the task> <shard>/<attempt> <node> cpu=500m …`: no name and no quantity has a space in it. */
export function openStartText({ namespace, task, taskUid, shard, attempt, node, request }: OpenStart): string {
  const amounts = Object.entries(request).map(([name, amount]) => `${name}=${amount}`);
  return [`${namespace}/${task}`, taskUid, `${shard}/${attempt}`, node, ...amounts].join(" ");
}

/** Those that a stored pool remembers; those that cannot be read are left out. */
export function openStartsOf(pool: { readonly status?: unknown }): readonly OpenStart[] {
  const { queue } = (pool.status ?? {}) as { readonly queue?: { readonly openStarts?: unknown } };
  const stored = queue?.openStarts;
  return Array.isArray(stored) ? stored.flatMap((each) => openStart.safeParse(fieldsOf(each)).data ?? []) : [];
}

/** Before they were texts they were objects with these fields. */
function fieldsOf(stored: unknown): unknown {
  if (typeof stored !== "string") return stored;
  const [name = "", taskUid, numbers = "", node, ...amounts] = stored.split(" ");
  const [namespace, task] = name.split("/");
  const [shard, attempt] = numbers.split("/").map((text) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined));
  const request = Object.fromEntries(
    amounts.map((text) => [text.slice(0, text.lastIndexOf("=")), text.slice(text.lastIndexOf("=") + 1)]),
  );
  return { namespace, task, taskUid, shard, attempt, node, request };
}
