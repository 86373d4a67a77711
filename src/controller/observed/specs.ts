// What stored objects say, read once: an object never changes, so that what was read from it holds as long as it lives.
import { isDeepStrictEqual } from "node:util";
import type { Quantities } from "../../api/amount.ts";
import { constraintsOf } from "../../api/constraints.ts";
import { type OpenStart, openStartsOf } from "../../api/open-starts.ts";
import { type PooledTask, type PooledTaskSpec, parsePooledTask } from "../../api/pooled-task.ts";
import { podRequest } from "../../api/request.ts";
import { parseResourcePool, type ResourcePool } from "../../api/resource-pool.ts";
import type { Amounts, Constraints } from "../../scheduling/index.ts";
import type { tolerationOf } from "../engine-choice.ts";

type ParsedTask = ReturnType<typeof parsePooledTask>;
type ParsedPool = ReturnType<typeof parseResourcePool>;

const parsedTasks = new WeakMap<PooledTask, ParsedTask>();
const parsedPools = new WeakMap<ResourcePool, ParsedPool>();
const openStarts = new WeakMap<ResourcePool, readonly OpenStart[]>();

export function taskSpec(task: PooledTask): ParsedTask {
  return cached(parsedTasks, task, parsePooledTask);
}

export function poolSpec(pool: ResourcePool): ParsedPool {
  return cached(parsedPools, pool, parseResourcePool);
}

export function openStartsIn(pool: ResourcePool): readonly OpenStart[] {
  return cached(openStarts, pool, openStartsOf);
}

/** The name in `spec.poolRef` of a task that may be anything. */
export function poolNameOf({ spec }: PooledTask): string {
  const name: unknown = spec?.poolRef?.name;
  return typeof name === "string" ? name : "";
}

function cached<K extends WeakKey, V>(cache: WeakMap<K, V>, key: K, compute: (key: K) => V): V {
  let value = cache.get(key);
  if (value === undefined) {
    value = compute(key);
    cache.set(key, value);
  }
  return value;
}

/** Read from a spec once, as long as what it is read with is the same: the planner knows both by the object that they are. */
const requests = new WeakMap<PooledTaskSpec, { readonly defaults: Quantities; readonly request: Amounts }>();
const constraints = new WeakMap<PooledTaskSpec, { readonly own: Tolerations; readonly constraints: Constraints }>();
type Tolerations = ReturnType<typeof tolerationOf>;

export function requestOf(spec: PooledTaskSpec, defaults: Quantities): Amounts {
  const known = requests.get(spec);
  if (known !== undefined && isDeepStrictEqual(known.defaults, defaults)) return known.request;
  const request = podRequest(spec.template.spec, defaults);
  requests.set(spec, { defaults, request });
  return request;
}

/** `own` is what the pool adds to what its tasks tolerate. */
export function constraintsFor(spec: PooledTaskSpec, own: Tolerations): Constraints {
  const known = constraints.get(spec);
  if (known !== undefined && isDeepStrictEqual(known.own, own)) return known.constraints;
  const template = spec.template.spec;
  const found = constraintsOf({ ...template, tolerations: [...(template.tolerations ?? []), ...own] });
  constraints.set(spec, { own, constraints: found });
  return found;
}
