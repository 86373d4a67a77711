import { expect, test } from "vitest";
import { poolTrees } from "../../src/controller/pool-trees.ts";
import { aPool } from "./builders.ts";

const trees = (parents: Readonly<Record<string, string | undefined>>) =>
  poolTrees(
    Object.entries(parents).map(([name, parent]) =>
      aPool(name, parent === undefined ? {} : { parentRef: { name: parent } }),
    ),
  );
const names = (root: string, parents: Readonly<Record<string, string | undefined>>): string[] =>
  trees(parents)
    .poolsOf(root)
    .map(({ metadata }) => metadata.name);

test("a tree is known by its root, at any depth", () => {
  const pools = { lab: undefined, dept: "lab", team: "dept", other: undefined };
  expect(names("lab", pools)).toEqual(["dept", "lab", "team"]);
  expect(names("other", pools)).toEqual(["other"]);
  expect(trees(pools).rootOf("team")).toBe("lab");
  expect([...trees(pools).roots].sort()).toEqual(["lab", "other"]);
});

test("pools whose parent is missing wait under its name; a name that no pool has is its own", () => {
  const pools = { orphan: "gone", grandchild: "orphan" };
  expect(names("gone", pools)).toEqual(["grandchild", "orphan"]);
  expect(trees(pools).rootOf("gone")).toBe("gone");
  expect(trees({}).rootOf("nobody")).toBe("nobody");
});

test("a circle is known by its lowest name, wherever one begins, and so is what hangs on it", () => {
  const pools = { c: "b", b: "a", a: "c", below: "c", self: "self" };
  for (const name of ["a", "b", "c", "below"]) expect(trees(pools).rootOf(name)).toBe("a");
  expect(names("a", pools)).toEqual(["a", "b", "below", "c"]);
  expect(trees(pools).rootOf("self")).toBe("self");
});

test("what somebody wrote as a parent need not be a name", () => {
  const hostile = aPool("odd", { parentRef: { name: 7 } } as never);
  expect(poolTrees([hostile]).rootOf("odd")).toBe("odd");
});
