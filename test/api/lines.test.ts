import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Lines } from "../../src/api/lines.ts";

function linesOf(...texts: string[]): Lines {
  const lines = new Lines();
  for (const text of texts) lines.add(text);
  return lines;
}

const all = (lines: Lines): string[] => Array.from({ length: lines.count }, (_, line) => lines.at(line));

describe("texts as lines", () => {
  test.each<[string[], string[]]>([
    [["a\nb\n"], ["a", "b"]],
    [["a\nb"], ["a", "b"]],
    [["a\r\n\r\nb\r\n"], ["a", "", "b"]],
    [["\n"], [""]],
    [[""], []],
    [
      ["a", "", "b\n", "c"],
      ["a", "b", "c"],
    ],
    [["a\rb"], ["a\rb"]],
  ])("%j are %j", (texts, expected) => {
    expect(all(linesOf(...texts))).toEqual(expected);
  });

  test("are the lines that were joined, however they are spread over texts", () => {
    const line = fc.string().map((text) => text.replaceAll(/[\r\n]/g, "_"));
    const texts = fc.array(fc.array(line, { minLength: 1, maxLength: 6 }), { maxLength: 5 });
    fc.assert(
      fc.property(texts, (parts) => {
        const lines = linesOf(...parts.map((part) => part.map((each) => `${each}\n`).join("")));
        const expected = parts.flat();
        expect(all(lines)).toEqual(expected);
        expect(lines.lengthMax).toBe(Math.max(0, ...expected.map(({ length }) => length)));
        expect([...lines.texts()].join("")).toBe(expected.map((each) => `${each}\n`).join(""));
      }),
    );
  });

  test("a line that is not there is a mistake of the caller", () => {
    expect(() => linesOf("a").at(1)).toThrow("line 1 of 1");
    expect(() => linesOf("a").at(-1)).toThrow(RangeError);
  });
});
