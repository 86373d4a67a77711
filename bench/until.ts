// Waits for what the API server tells, by a watch: asking again and again would be load of its own.
import { setTimeout } from "node:timers/promises";
import { isNotFound, type KubeApi, type KubeObject, type ObjectKey, type Resource } from "@dsl/kube-operator";

interface WithStatus extends KubeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Until a condition of one object is True. */
export async function untilIs(
  api: KubeApi,
  resource: Resource,
  key: ObjectKey,
  condition: string,
  withinMs: number,
): Promise<void> {
  const isTrue = ({ status }: WithStatus): boolean =>
    status?.conditions?.some(({ type, status: is }) => type === condition && is === "True") === true;
  const selection = { fieldSelector: `metadata.name=${key.name}`, ...(key.namespace && { namespace: key.namespace }) };
  await untilSeen(api, resource, selection, isTrue, withinMs, `${resource.kind} ${key.name} is not ${condition}`);
}

/** Until `counts` says of an event that nothing is left to wait for. */
export async function untilSeen(
  api: KubeApi,
  resource: Resource,
  selection: { readonly namespace?: string; readonly labelSelector?: string; readonly fieldSelector?: string },
  isLast: (object: KubeObject) => boolean,
  withinMs: number,
  what: string,
): Promise<void> {
  const signal = AbortSignal.timeout(withinMs);
  while (!signal.aborted) {
    for await (const event of api.watch(resource, { ...selection, signal, timeoutSeconds: 600 })) {
      if (event.type !== "ADDED" && event.type !== "MODIFIED") continue;
      if (isLast(event.object)) return;
    }
  }
  throw new Error(`${what} after ${Math.round(withinMs / 1000)} s`);
}

/** Until there is no such object any more. Asked twice a second: nothing is measured meanwhile. */
export async function untilGone(api: KubeApi, resource: Resource, key: ObjectKey, withinMs: number): Promise<void> {
  const signal = AbortSignal.timeout(withinMs);
  while (!signal.aborted) {
    const found = await api.get(resource, key).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
    if (found === undefined) return;
    await setTimeout(500);
  }
  throw new Error(`${resource.kind} ${key.name} is still there after ${Math.round(withinMs / 1000)} s`);
}
