import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stage } from "./stage.ts";

// id submit wait run used cpu memory asked estimate memory status user
const trace = `; MaxProcs: 4
1 0 -1 100 3 -1 -1 3 100 -1 1 1
2 1 -1 50 4 -1 -1 4 50 -1 1 1
3 2 -1 20 1 -1 -1 1 30 -1 1 2
4 3 -1 20 9 -1 -1 9 30 -1 1 2
5 3 -1 0 1 -1 -1 1 30 -1 1 2
`;

describe("kubectl pool simulate", () => {
  let folder = "";
  const file = (name: string): string => join(folder, name);
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "simulate-"));
    writeFileSync(file("jobs.swf"), trace);
    writeFileSync(file("jobs.swf.gz"), gzipSync(trace));
    writeFileSync(file("headless.swf"), trace.slice(trace.indexOf("\n") + 1));
    writeFileSync(file("broken.swf"), "1 0 -1 100\n");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const simulate = (...words: string[]) => stage().run(["simulate", ...words]);

  test("shows every policy of a trace, a line each, and says which jobs it left out", async () => {
    const { stdout, stderr, status } = await simulate("--swf", file("jobs.swf"));
    expect(status).toBe(0);
    expect(stdout.split("\n")[0]).toMatch(/^POLICY +UTIL +FIRST START +RESPONSE +SLOWDOWN/);
    expect(stdout).toMatch(/^as-written /m);
    expect(stdout).toMatch(/^order=ShortestJob /m);
    expect(stdout).toMatch(/^backfill=None /m);
    expect(stderr).toBe("1 job left out: no run time\n1 job left out: more than 4 processors\n");
  });

  test("lets the short job pass the wide one that waits, as the planner would", async () => {
    const { stdout } = await simulate(
      "--swf",
      file("jobs.swf.gz"),
      "--policy",
      "as-written,backfill=None",
      "-o",
      "json",
    );
    const [easy, none] = JSON.parse(stdout);
    // Job 3 ends by the time at which job 2 can start: 100, 150 and 22 s, against 100, 150 and 170 s in strict order.
    expect(easy).toMatchObject({ policy: "as-written", meanResponseMs: Math.round(((100 + 149 + 20) * 1000) / 3) });
    expect(none).toMatchObject({ policy: "backfill=None", meanResponseMs: Math.round(((100 + 149 + 168) * 1000) / 3) });
  });

  test("draws a picture", async () => {
    const { stdout } = await simulate("--swf", file("jobs.swf"), "--policy", "as-written", "-o", "svg");
    expect(stdout).toMatch(/^<svg /);
    expect(stdout).toContain("user-2/job-3, shard 0, on machine: 2s to 22s");
  });

  test.each([
    [["--swf", "headless.swf"], /does not say how many processors its machine had; give --procs N/, 2],
    [["--swf", "broken.swf"], /broken\.swf: line 1 is no job: it must have at least 12 numbers/, 1],
    [["--swf", "missing.swf"], /missing\.swf: .*no such file/, 1],
    [
      ["--swf", "jobs.swf", "--policy", "order=Fastest"],
      /there is no policy "order=Fastest" here; there are as-written/,
      2,
    ],
    [[], /no workload; name a trace by --swf FILE/, 2],
  ] as const)("%j: says what is wrong and what to do", async (words, message, expected) => {
    const { stderr, status } = await simulate(...words.map((word) => (word.endsWith(".swf") ? file(word) : word)));
    expect(stderr).toMatch(message);
    expect(status).toBe(expected);
  });
});
