// One object's states, as they come: watched, and asked for each second where a watch does not hold. Knows no kind.
import {
  type Clock,
  isNotFound,
  type KubeApi,
  type KubeObject,
  type ObjectKey,
  type Resource,
  sleep,
} from "@dsl/kube-operator";
import { askEveryMs, isRefusal, unreachableMsMax } from "./patience.ts";

export interface FollowOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told once when the server does not answer, with its words. */
  readonly onTrouble?: (message: string) => void;
}

/** Ends when the object is gone (or another has taken its name), or when the signal aborts. */
export async function* follow<T extends KubeObject>(
  api: KubeApi,
  resource: Resource<T>,
  key: ObjectKey,
  options: FollowOptions,
): AsyncGenerator<T> {
  const { clock, signal } = options;
  let uid: string | undefined;
  let version: string | undefined;
  let lastAnswerAt = clock.monotonic();
  let hasTrouble = false;

  while (!signal.aborted) {
    try {
      const object: T = await api.get(resource, key, { signal });
      lastAnswerAt = clock.monotonic();
      hasTrouble = false;
      uid ??= object.metadata.uid;
      if (object.metadata.uid !== uid) return;
      version = object.metadata.resourceVersion;
      yield object;

      for await (const event of api.watch(resource, {
        ...(key.namespace !== undefined && { namespace: key.namespace }),
        fieldSelector: `metadata.name=${key.name}`,
        resourceVersion: version,
        timeoutSeconds: 300,
        signal,
      })) {
        if (event.type === "ERROR") break;
        if (event.type === "BOOKMARK") continue;
        if (event.object.metadata.uid !== uid || event.type === "DELETED") return;
        version = event.object.metadata.resourceVersion;
        yield event.object;
      }
    } catch (error) {
      if (signal.aborted || isNotFound(error)) return;
      // What the server refuses today it will refuse in a second; a get that is allowed goes on without the watch.
      if (isRefusal(error) && version === undefined) throw error;
      if (clock.monotonic() - lastAnswerAt > unreachableMsMax) throw error;
      if (!hasTrouble && !isRefusal(error)) options.onTrouble?.(error instanceof Error ? error.message : String(error));
      hasTrouble = true;
    }
    await sleep(clock, askEveryMs, signal);
  }
}
