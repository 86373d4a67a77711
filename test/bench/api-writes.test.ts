import { expect, test } from "vitest";
import { writesIn, writesPer, writesSince } from "../../bench/api-writes.ts";

const line = (verb: string, resource: string, count: number, subresource = "", code = 200): string =>
  `apiserver_request_total{code="${code}",component="apiserver",resource="${resource}",subresource="${subresource}",verb="${verb}"} ${count}`;

test("writes are those of all parties to anything but leases; what removes Pods and Jobs, and what is refused, is counted apart", () => {
  const metrics = [
    line("POST", "pods", 10),
    line("PATCH", "pods", 20, "status"),
    line("PATCH", "pods", 6, "status", 409),
    line("DELETE", "pods", 1, "", 404),
    line("APPLY", "configmaps", 3),
    line("PUT", "leases", 500),
    line("PATCH", "nodes", 40, "status"),
    line("POST", "subjectaccessreviews", 9),
    line("GET", "pods", 700),
    line("WATCH", "pods", 7),
    line("DELETE", "pods", 8),
    line("DELETE", "jobs", 2),
    "# HELP apiserver_request_total all",
    'other_total{verb="POST",resource="pods"} 99',
  ].join("\n");
  expect(writesIn(metrics)).toEqual({
    writes: 33,
    podDeletes: 8,
    jobDeletes: 2,
    refused: 7,
    byKind: {
      "POST pods": 10,
      "PATCH pods/status": 20,
      "PATCH pods/status: 409": 6,
      "DELETE pods: 404": 1,
      "APPLY configmaps": 3,
    },
  });
});

test("what was written meanwhile is the difference", () => {
  const before = { writes: 30, podDeletes: 1, jobDeletes: 0, refused: 1, byKind: { "POST pods": 9, "POST jobs": 1 } };
  const byKind = { "POST pods": 13, "PATCH jobs/status": 16, "POST jobs": 1 };
  const since = writesSince(before, { writes: 50, podDeletes: 4, jobDeletes: 2, refused: 3, byKind });
  expect(since).toEqual({
    writes: 20,
    podDeletes: 3,
    jobDeletes: 2,
    refused: 2,
    byKind: { "POST pods": 4, "PATCH jobs/status": 16 },
  });
  expect(Object.entries(writesPer(since, 8))).toEqual([
    ["PATCH jobs/status", 2],
    ["POST pods", 0.5],
  ]);
  expect(writesPer(since, 10_000)).toEqual({});
});
