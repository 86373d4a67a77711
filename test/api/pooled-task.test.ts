import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePooledTask } from "../../src/api/pooled-task.ts";
import { problemText } from "../../src/api/problem.ts";
import { aTemplate, aWrittenTask } from "../support/tasks.ts";

function told(spec: Record<string, unknown>): string[] {
  const parsed = parsePooledTask(aWrittenTask("a", spec));
  return parsed.ok ? [] : parsed.problems.map((problem) => `${problem.reason} ${problemText(problem)}`);
}

describe("a stored task", () => {
  test("the smallest one has every default", () => {
    const parsed = parsePooledTask(aWrittenTask("squares"));
    expect(parsed).toEqual({
      ok: true,
      spec: {
        poolRef: { name: "lab" },
        items: { range: { start: 0, end: 3, step: 1 } },
        chunk: { size: 1, mode: "Each" },
        priority: 0,
        suspend: false,
        cancel: false,
        retries: 0,
        retryFailed: 0,
        startTimeoutSeconds: 1800,
        results: { reduce: "None", maxBytes: "16Mi" },
        template: aTemplate(),
      },
    });
  });

  test("what it gives, it keeps", () => {
    const chunk = { size: 7, mode: "Whole" };
    const parsed = parsePooledTask(aWrittenTask("a", { chunk, parallelism: 3, itemTimeoutSeconds: 9 }));
    expect(parsed).toMatchObject({ ok: true, spec: { chunk, parallelism: 3, itemTimeoutSeconds: 9 } });
  });

  test("chunks may be cut as they are needed, of as many items as a task may have", () => {
    const million = { items: { range: { end: 1_000_000 } }, expectedItemSeconds: 12 };
    const parsed = parsePooledTask(aWrittenTask("a", { ...million, chunk: { size: "Auto" } }));
    expect(parsed).toMatchObject({
      ok: true,
      spec: { chunk: { size: "Auto", mode: "Each" }, expectedItemSeconds: 12 },
    });
  });

  test("fields of a later version are overlooked, as the API server prunes them", () => {
    expect(told({ halt: { failures: "5%" } })).toEqual([]);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ items: {} }, "ItemsInvalid spec.items: items must have exactly one of range, list, matrix, configMapRefs"],
    [{ items: { range: { end: 3 }, list: ["a"] } }, "ItemsInvalid spec.items: items must have exactly one of"],
    [{ items: { list: ["a", "b\nc"] } }, "ItemsInvalid spec.items.list[1]: "],
    [{ items: undefined }, "ItemsInvalid spec.items: is missing; give an object"],
    [{ chunk: { size: 0 } }, "TaskInvalid spec.chunk.size: "],
    [{ chunk: { size: "auto" } }, "TaskInvalid spec.chunk.size: must be a whole number from 1 to 100000, or Auto"],
    [{ chunk: { size: "10" } }, "TaskInvalid spec.chunk.size: must be a whole number from 1 to 100000, or Auto"],
    [{ results: { maxBytes: "2Gi" } }, "TaskInvalid spec.results.maxBytes: results.maxBytes is over the limit of 1Gi"],
    [{ results: { maxBytes: "lots" } }, "TaskInvalid spec.results.maxBytes: "],
    [{ priority: 1001 }, "TaskInvalid spec.priority: "],
    [{ poolRef: {} }, "TaskInvalid spec.poolRef.name: is missing; give a string"],
    [{ template: aTemplate({ stdin: true }) }, "TemplateRefused spec.template.spec.containers[0].stdin: not allowed"],
    [
      { chunk: { size: 2 }, template: aTemplate({ command: [] }) },
      "TemplateRefused spec.template.spec.containers[0].command: ",
    ],
    [
      { chunk: { size: "Auto" }, template: aTemplate({ command: [] }) },
      "TemplateRefused spec.template.spec.containers[0].command: ",
    ],
    [
      { chunk: { size: "Auto" }, template: aTemplate({ args: ["$(POOL_ITEM)"] }) },
      "TemplateRefused spec.template.spec.containers[0].args[0]: ",
    ],
    [{ expectedItemSeconds: 0 }, "TaskInvalid spec.expectedItemSeconds: "],
    [
      { chunk: { size: "Auto" }, minParallelism: "All" },
      "TaskInvalid spec.minParallelism: minParallelism All needs chunks of a fixed size",
    ],
    [{ minParallelism: 3, parallelism: 2 }, "TaskInvalid spec.minParallelism: minParallelism is over parallelism"],
  ])("%j is told as a problem", (spec, expected) => {
    expect(told(spec)[0]).toContain(expected);
  });

  test("nothing that can be stored makes the reading throw", () => {
    for (const hostile of [undefined, null, 1, "x", [], {}, { spec: null }, { spec: [] }]) {
      expect(parsePooledTask(hostile)).toMatchObject({ ok: false });
    }
    fc.assert(
      fc.property(
        fc.object({ maxDepth: 5 }),
        fc.constantFrom("items", "chunk", "results", "template", "poolRef"),
        (value, field) => {
          parsePooledTask(aWrittenTask("a", { [field]: value }));
        },
      ),
    );
  });

  test("a flood of problems is cut", () => {
    const parsed = parsePooledTask(aWrittenTask("a", { items: { list: Array(9000).fill("a\nb") } }));
    expect(parsed.ok ? 0 : parsed.problems.length).toBe(50);
  });
});
