import { describe, expect, test } from "vitest";
import { type GanttRun, ganttPicture } from "../../src/view/gantt.ts";
import { timeTicks } from "../../src/view/time-axis.ts";

function run(task: string, node: string, fromMs: number, toMs: number, share = 1): GanttRun {
  return { task, shard: 0, node, fromMs, toMs, share, shareOfAll: share / 2 };
}

describe("the picture of what ran where", () => {
  test("has a lane a node and a bar a run, with words for who points at it", () => {
    const svg = ganttPicture([
      { title: "as-written", nodes: ["a", "b"], runs: [run("x", "a", 0, 60_000), run("y", "b", 60_000, 120_000, 0.5)] },
    ]);
    expect(svg.match(/<title>., shard/g)).toHaveLength(2);
    expect(svg).toContain("<title>y, shard 0, on b: 60s to 2m</title>");
    expect(svg).toMatch(/>a<\/text>[\s\S]*>b<\/text>/);
  });

  test("gives a task one colour in all panels", () => {
    const panel = (title: string, runs: readonly GanttRun[]) => ({ title, nodes: ["a"], runs });
    const svg = ganttPicture([
      panel("one", [run("x", "a", 0, 10_000), run("y", "a", 10_000, 20_000)]),
      panel("other", [run("y", "a", 0, 10_000), run("x", "a", 10_000, 20_000)]),
    ]);
    const colours = [...svg.matchAll(/fill="(hsl[^"]*)"[^>]*><title>(.), /g)].map(
      ([, colour, task]) => `${task} ${colour}`,
    );
    expect(new Set(colours).size).toBe(2);
    expect(colours).toHaveLength(4);
  });

  test("names of hostile tasks stay text", () => {
    const svg = ganttPicture([{ title: "<b>&", nodes: ['n"<'], runs: [run("<script>", 'n"<', 0, 1000)] }]);
    expect(svg).not.toMatch(/<script|<b>/);
    expect(svg).toContain("&lt;script&gt;");
  });

  test("of more runs than anybody can tell apart shows how full each node was, and stays small", () => {
    const runs = Array.from({ length: 20_000 }, (_, index) => run(`t${index}`, "a", index * 1000, index * 1000 + 1000));
    const svg = ganttPicture([{ title: "many", nodes: ["a"], runs }]);
    expect(svg).not.toContain(", shard 0");
    expect(svg.length).toBeLessThan(50_000);
  });

  test("of nothing is a picture all the same", () => {
    expect(ganttPicture([{ title: "empty", nodes: [], runs: [] }])).toMatch(/^<svg[\s\S]*<\/svg>\n$/);
  });
});

test("ticks stand at round distances, as many as asked for at most", () => {
  expect(timeTicks(65_000, 10).map(({ text }) => text)).toEqual(["0s", "10s", "20s", "30s", "40s", "50s", "60s"]);
  expect(timeTicks(3 * 86_400_000, 10).map(({ text }) => text)).toEqual([
    "0s",
    "12h",
    "24h",
    "36h",
    "2d",
    "2d12h",
    "3d",
  ]);
  expect(timeTicks(5000 * 86_400_000, 10).length).toBeLessThanOrEqual(11);
});
