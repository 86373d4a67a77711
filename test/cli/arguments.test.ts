import { describe, expect, test } from "vitest";
import { parseArguments } from "../../src/cli/arguments.ts";
import { nearest } from "../../src/cli/nearest.ts";

const options = {
  pool: { value: "POOL", help: "" },
  namespace: { short: "n", value: "NAMESPACE", help: "" },
  watch: { short: "w", help: "" },
  all: { short: "A", help: "" },
};

test("options stand anywhere before --, in every form that kubectl takes", () => {
  const args = parseArguments(options, ["one", "--pool=lab", "-nteam-a", "-wA", "two", "--", "f", "-x", "--", "y"]);
  expect(args.positionals).toEqual(["one", "two"]);
  expect(args.rest).toEqual(["f", "-x", "--", "y"]);
  expect([args.text("pool"), args.text("namespace"), args.flag("watch"), args.flag("all")]).toEqual([
    "lab",
    "team-a",
    true,
    true,
  ]);
});

test("without -- there is no command, which is not the same as an empty one", () => {
  expect(parseArguments(options, ["one"]).rest).toBeUndefined();
  expect(parseArguments(options, ["one", "--"]).rest).toEqual([]);
});

test("the last word counts, also of a switch", () => {
  const args = parseArguments(options, ["--pool", "a", "--pool", "b", "-w", "--watch=false"]);
  expect(args.text("pool")).toBe("b");
  expect(args.flag("watch")).toBe(false);
});

test("a value that looks like an option counts only when it is joined", () => {
  expect(() => parseArguments(options, ["--pool", "-w"])).toThrow("--pool needs a value: --pool POOL");
  expect(parseArguments(options, ["--pool=-w"]).text("pool")).toBe("-w");
});

describe("spans", () => {
  test.each([
    ["90", 90],
    ["90s", 90],
    ["5m", 300],
    ["1h30m", 5400],
  ])("%s is %d seconds", (text, seconds) => {
    expect(parseArguments(options, ["--pool", text]).seconds("pool")).toBe(seconds);
  });

  test.each(["0", "0s", "", "1d", "1.5h", "s"])("%j is none", (text) => {
    expect(() => parseArguments(options, [`--pool=${text}`]).seconds("pool")).toThrow(
      "--pool must be a span of at least a second such as 90s, 5m or 1h30m",
    );
  });
});

test.each([
  ["retyr", "retry"],
  ["result", "results"],
  ["lgos", "logs"],
  ["mpa", "map"],
  ["x", undefined],
  ["simulate", undefined],
])("%s was meant to be %s", (word, meant) => {
  expect(nearest(word, ["map", "logs", "results", "retry"])).toBe(meant);
});
