// One copy of each text and request that many objects have in common: thousands of views are held in memory.
import type { KubeObject } from "@dsl/kube-operator";
import { type PodNeeds, podRequest } from "../api/request.ts";
import type { Amounts } from "../scheduling/resources.ts";
import { type Fields, objectsOf } from "./json.ts";

export interface ViewMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface Interner {
  text(text: string): string;
  request(spec: Fields): Amounts;
}

/** A cluster has few node names, namespaces and kinds of requests; what is not few is not worth keeping. */
const internedMax = 20_000;

export function createInterner(): Interner {
  const texts = new Map<string, string>();
  const requests = new Map<string, Amounts>();
  const kept = <T>(map: Map<string, T>, key: string, value: T): T => {
    const known = map.get(key);
    if (known !== undefined) return known;
    if (map.size >= internedMax) map.clear();
    map.set(key, value);
    return value;
  };
  return {
    text: (text) => kept(texts, text, text),
    request(spec) {
      const needs = needsOf(spec);
      // Reading quantities exactly costs far more than the text of them, and few Pods ask for what no other does.
      const key = JSON.stringify(needs);
      return requests.get(key) ?? kept(requests, key, requestOf(needs));
    },
  };
}

/** What a request is computed from, and nothing else: the rest of a spec is different in each Pod. */
function needsOf(spec: Fields): PodNeeds {
  return {
    containers: objectsOf(spec.containers).map(({ resources }) => ({ resources })),
    initContainers: objectsOf(spec.initContainers).map(({ resources, restartPolicy }) => ({
      resources,
      restartPolicy,
    })),
    overhead: spec.overhead,
    resources: spec.resources,
  } as PodNeeds;
}

function requestOf(needs: PodNeeds): Amounts {
  try {
    return podRequest(needs);
  } catch {
    // An amount that is too large to count with: no node could hold such a Pod, so it holds nothing but its place.
    return { pods: 1 };
  }
}

export function metaOf({ metadata }: KubeObject, intern: Interner): ViewMeta {
  const { name, namespace = "", uid, resourceVersion } = metadata;
  return { name, namespace: intern.text(namespace), uid, resourceVersion };
}
