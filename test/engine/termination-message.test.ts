import { expect, test } from "vitest";
import {
  failureText,
  lineResults,
  messageBytesMax,
  singleResult,
  wrapperRecords,
} from "../../src/engine/termination-message.ts";

test("one container may use 4,096 bytes, and those of a Pod 12,288 together", () => {
  expect([1, 3, 4, 12].map(messageBytesMax)).toEqual([4096, 4096, 3072, 1024]);
});

test("the result of a single item is what was written, less one line break at its end", () => {
  const texts = ["9", "9\n", "a\nb\n\n", "\n", " x "];
  expect(texts.map((text) => singleResult(text, 4096).result)).toEqual(["9", "9", "a\nb\n", "", " x "]);
});

test("a program that writes nothing has no result", () => {
  expect(singleResult("", 4096)).toEqual({});
});

test("a result that fills the room counts as truncated, and half a character at a cut is left out", () => {
  expect(singleResult("x".repeat(4095), 4096)).not.toHaveProperty("truncated");
  expect(singleResult("x".repeat(4096), 4096)).toEqual({ result: "x".repeat(4096), truncated: true });
  const cut = `\uFFFD\uFFFD${"€".repeat(1364)}\uFFFD`;
  expect(singleResult(cut, 4096)).toEqual({ result: "€".repeat(1364), truncated: true });
});

test("a program that gets all items writes one line for each", () => {
  expect(lineResults("a\n\nc\n", 3, 4096)).toEqual(["a", "", "c"]);
  expect(lineResults("a\nb", 2, 4096)).toEqual(["a", "b"]);
  expect(lineResults("\n", 1, 4096)).toEqual([""]);
});

test("another number of lines is an error that says both numbers", () => {
  expect(lineResults("a\nb\n", 3, 4096)).toMatch(/^2 results for 3 items: .*POOL_RESULT/);
  expect(lineResults("", 1, 4096)).toMatch(/^0 results for 1 items/);
});

test("results that fill the limit are an error even if their number is right, since the first may be cut", () => {
  expect(lineResults("x\n".repeat(2048), 2048, 4096)).toMatch(/share 4096 bytes; set a smaller spec\.chunk\.size/);
});

test("records of the wrapper are read with their times, exits and texts", () => {
  const message = "#1\n>a\n>\n12+30=b\n0\n5=\n7!3=no\n8!1\n9~=long\n.\n";
  expect(wrapperRecords(message)).toEqual({
    ended: true,
    records: [
      { ms: 12, gapMs: 30, exit: 0, result: "a\n\nb" },
      { ms: 0, gapMs: 0, exit: 0 },
      { ms: 5, gapMs: 0, exit: 0, result: "" },
      { ms: 7, gapMs: 0, exit: 3, message: "no" },
      { ms: 8, gapMs: 0, exit: 1 },
      { ms: 9, gapMs: 0, exit: 0, result: "long", truncated: true },
    ],
  });
});

test("wherever records are torn, those before the tear are read and nothing is made up", () => {
  const message = "#1\n>a\n12=b\n5+3=c\n.\n";
  const whole = wrapperRecords(message)?.records ?? [];
  for (let length = 3; length < message.length; length += 1) {
    const torn = wrapperRecords(message.slice(0, length));
    expect(torn?.ended).toBe(false);
    expect(torn?.records).toEqual(whole.slice(0, torn?.records.length));
  }
});

test("a text without the first line is no records: the log's tail, or records whose beginning is lost", () => {
  expect(wrapperRecords("")).toBeUndefined();
  expect(wrapperRecords("sh: syntax error\n")).toBeUndefined();
  expect(wrapperRecords("12=b\n.\n")).toBeUndefined();
});

test("what is no record ends the reading: the positions after it would be guesses", () => {
  expect(wrapperRecords("#1\n1=a\noops\n2=b\n.\n")).toEqual({
    ended: false,
    records: [{ ms: 1, gapMs: 0, exit: 0, result: "a" }],
  });
});

test("of a failure's words the end is kept", () => {
  expect(failureText(" one\ntwo\n\n")).toBe("one\ntwo");
  const kept = failureText(`${"€".repeat(1000)}last`);
  expect(kept).toMatch(/^€+last$/);
  expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(2048);
});
