// How many writes the API server has been asked for, by anybody, from its own counters. Leases are left out: they are
// renewed by the clock, whatever happens.
import { setTimeout } from "node:timers/promises";
import type { KubeApi } from "@dsl/kube-operator";

export interface ApiWrites {
  /** Creates and changes. */
  readonly writes: number;
  /** Removal of Jobs and Pods is reported apart: every engine pays one for what it made, at a time of its own. */
  readonly podDeletes: number;
  readonly jobDeletes: number;
  /** Asked for and not done, most often because another was faster (409): nothing was written, but it cost a request. */
  readonly refused: number;
  /** The writes by what they were: `PATCH pooledtasks/status`. */
  readonly byKind: Readonly<Record<string, number>>;
}

/** Reviews change nothing; nodes and leases are written by the clock. */
const uncounted = new Set(["leases", "nodes", "tokenreviews", "subjectaccessreviews", "selfsubjectaccessreviews"]);

export async function apiWrites(api: KubeApi): Promise<ApiWrites> {
  return writesIn(String(await api.request("GET", "/metrics")));
}

/**
 * Until nobody has written anything for a second, or half a minute has passed: events of what ran before are sent late, and
 * would be counted for what runs next.
 */
export async function untilQuiet(api: KubeApi): Promise<ApiWrites> {
  let last = await apiWrites(api);
  for (let second = 0; second < 30; second++) {
    await setTimeout(1000);
    const next = await apiWrites(api);
    if (writesSince(last, next).writes === 0) return next;
    last = next;
  }
  return last;
}

export function writesIn(metrics: string): ApiWrites {
  const found = { writes: 0, podDeletes: 0, jobDeletes: 0, refused: 0 };
  const byKind: Record<string, number> = {};
  for (const line of metrics.split("\n")) {
    if (!line.startsWith("apiserver_request_total{")) continue;
    const [, verb = ""] = /verb="(POST|PUT|PATCH|APPLY|DELETE|DELETECOLLECTION)"/.exec(line) ?? [];
    const [, resource = ""] = /[{,]resource="([^"]*)"/.exec(line) ?? [];
    const [, subresource = ""] = /subresource="([^"]*)"/.exec(line) ?? [];
    if (verb === "" || uncounted.has(resource)) continue;
    const requests = Number(line.slice(line.lastIndexOf(" ") + 1));
    const [, code = ""] = /[{,]code="(\d+)"/.exec(line) ?? [];
    const kind = `${verb} ${resource}${subresource && `/${subresource}`}`;
    if (!code.startsWith("2")) {
      found.refused += requests;
      byKind[`${kind}: ${code}`] = (byKind[`${kind}: ${code}`] ?? 0) + requests;
    } else if (verb === "DELETE" && resource === "pods") found.podDeletes += requests;
    else if (verb === "DELETE" && resource === "jobs") found.jobDeletes += requests;
    else {
      found.writes += requests;
      byKind[kind] = (byKind[kind] ?? 0) + requests;
    }
  }
  return { ...found, byKind };
}

export function writesSince(before: ApiWrites, after: ApiWrites): ApiWrites {
  return {
    writes: after.writes - before.writes,
    podDeletes: after.podDeletes - before.podDeletes,
    jobDeletes: after.jobDeletes - before.jobDeletes,
    refused: after.refused - before.refused,
    byKind: Object.fromEntries(
      Object.entries(after.byKind).flatMap(([kind, count]) => {
        const more = count - (before.byKind[kind] ?? 0);
        return more === 0 ? [] : [[kind, more]];
      }),
    ),
  };
}

/** Of each kind how many there were for one of so many, most first; what comes to less than a hundredth is left out. */
export function writesPer({ byKind }: ApiWrites, count: number): Readonly<Record<string, number>> {
  const each = Object.entries(byKind).map(([kind, writes]) => [kind, Number((writes / count).toFixed(2))] as const);
  return Object.fromEntries(each.filter(([, per]) => per > 0).sort(([, a], [, b]) => b - a));
}
