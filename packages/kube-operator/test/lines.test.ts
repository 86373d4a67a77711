import { expect, test } from "vitest";
import { linesOf } from "../src/lines.ts";

async function linesIn(...chunks: readonly (string | Buffer)[]): Promise<string[]> {
  async function* stream(): AsyncIterable<Buffer> {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const lines: string[] = [];
  for await (const line of linesOf(stream())) lines.push(line);
  return lines;
}

test("a chunk may hold several lines, and a line may span several chunks", async () => {
  expect(await linesIn("a\nb\nc", "c", "c\n", "d\n")).toEqual(["a", "b", "ccc", "d"]);
});

test("a character that is cut by the end of a chunk arrives whole", async () => {
  const text = Buffer.from("€\n");
  expect(await linesIn(text.subarray(0, 1), text.subarray(1, 2), text.subarray(2))).toEqual(["€"]);
});

test("a stream that ends in the middle of a line is an error", async () => {
  await expect(linesIn("a\nb")).rejects.toThrow("in the middle of a line");
});
