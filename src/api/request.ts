// What a Pod holds on its node, computed as the Kubernetes scheduler does
// (k8s.io/component-helpers/resource, PodRequests): ours before they exist, and everybody's once they do.
import { parseQuantity, type Quantity } from "@dsl/kube-operator";
import type { Amounts } from "../scheduling/resources.ts";
import { amountOfQuantity, type Quantities } from "./amount.ts";

/** What we read of a Pod's spec. */
export interface PodNeeds {
  readonly containers: readonly ContainerNeeds[];
  readonly initContainers?: readonly (ContainerNeeds & { readonly restartPolicy?: string })[];
  readonly overhead?: Quantities;
  /** Of the whole Pod. No template has it; foreign Pods may. */
  readonly resources?: ResourceNeeds;
}

interface ContainerNeeds {
  readonly resources?: ResourceNeeds;
}

interface ResourceNeeds {
  readonly requests?: Quantities;
  readonly limits?: Quantities;
}

/** Exact, since rounding each container up would ask for more than Kubernetes counts. */
type Exact = ReadonlyMap<string, Quantity>;

/** 35 TB or 35 billion CPUs. A hostile Pod may ask for more; capped, it still fits nowhere, and hundreds can be summed. */
const amountMax = 2 ** 45;

/** `defaultRequests` are for a main container of ours that requests nothing; foreign Pods are counted as they are. */
export function podRequest(spec: PodNeeds, defaultRequests?: Quantities): Amounts {
  const exact = combine(overridden(containersRequest(spec, defaultRequests), spec.resources), read(spec.overhead), sum);
  const amounts = [...exact].map(([name, quantity]) => [name, Math.min(amountOfQuantity(name, quantity), amountMax)]);
  return { ...Object.fromEntries(amounts), pods: 1 };
}

/**
 * Init containers run one after the other, each beside the sidecars that were started before it; the main containers run
 * together, beside all sidecars. The larger of the two phases counts.
 */
function containersRequest(spec: PodNeeds, defaultRequests: Quantities | undefined): Exact {
  let sidecars: Exact = new Map();
  let starting: Exact = new Map();
  for (const container of spec.initContainers ?? []) {
    const request = requestOf(container.resources);
    if (container.restartPolicy === "Always") sidecars = combine(sidecars, request, sum);
    const now = container.restartPolicy === "Always" ? sidecars : combine(sidecars, request, sum);
    starting = combine(starting, now, larger);
  }
  let running = sidecars;
  for (const container of spec.containers) {
    const request = requestOf(container.resources);
    running = combine(running, request.size === 0 ? read(defaultRequests) : request, sum);
  }
  return combine(running, starting, larger);
}

/** What is stated for the whole Pod replaces the sum; where only a limit is stated, the API server has filled in the request. */
function overridden(containers: Exact, whole: ResourceNeeds | undefined): Exact {
  const stated = [...read(whole?.requests)].filter(([name]) => countsForWholePod(name));
  return new Map([...containers, ...stated]);
}

function countsForWholePod(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith("hugepages-");
}

/** The API server takes a limit for the request where there is none. */
function requestOf(resources: ResourceNeeds | undefined): Exact {
  return read({ ...resources?.limits, ...resources?.requests });
}

function read(quantities: Quantities | undefined): Exact {
  return new Map(Object.entries(quantities ?? {}).map(([name, text]) => [name, parseQuantity(text)]));
}

function combine(a: Exact, b: Exact, how: (a: Quantity, b: Quantity) => Quantity): Exact {
  const result = new Map(a);
  for (const [name, quantity] of b) {
    const other = result.get(name);
    result.set(name, other === undefined ? quantity : how(other, quantity));
  }
  return result;
}

function sum(a: Quantity, b: Quantity): Quantity {
  return a.add(b);
}

function larger(a: Quantity, b: Quantity): Quantity {
  return a.compare(b) < 0 ? b : a;
}
