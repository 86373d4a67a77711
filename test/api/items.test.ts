import { describe, expect, test } from "vitest";
import type { ItemSource } from "../../src/api/item-source.ts";
import { axisVariable, configMapText, type Items, itemsOf, type TextLookup } from "../../src/api/items.ts";
import { isProblem, problemText } from "../../src/api/problem.ts";

const noTexts: TextLookup = () => undefined;

function items(source: ItemSource, texts: TextLookup = noTexts): Items {
  const found = itemsOf(source, texts);
  if (isProblem(found)) throw new Error(problemText(found));
  return found;
}

function problem(source: ItemSource, texts: TextLookup = noTexts): string {
  const found = itemsOf(source, texts);
  if (!isProblem(found)) throw new Error(`no problem: ${found.count} items`);
  return `${found.reason} ${problemText(found)}`;
}

function all(source: ItemSource, texts?: TextLookup): string[] {
  const found = items(source, texts);
  return Array.from({ length: found.count }, (_, index) => found.at(index));
}

const range = (start: number, end: number, step = 1): ItemSource => ({ range: { start, end, step } });
const refs = (...names: string[]): ItemSource => ({ configMapRefs: names.map((name) => ({ name, key: "items" })) });
const texts =
  (texts: Record<string, string>): TextLookup =>
  ({ name }) =>
    texts[name];

describe("a range", () => {
  test.each([
    [range(0, 3), ["0", "1", "2"]],
    [range(5, 12, 3), ["5", "8", "11"]],
    [range(3, 0, -1), ["3", "2", "1"]],
    [range(-2, 1), ["-2", "-1", "0"]],
    [range(3, 3), []],
    [range(3, 0), []],
    [range(0, 3, -1), []],
  ])("%j counts as in Python", (source, expected) => {
    expect(all(source)).toEqual(expected);
  });

  test("a million items cost nothing until they are asked for", () => {
    const million = items(range(0, 1_000_000));
    expect([million.count, million.at(999_999), million.bytesMax]).toEqual([1_000_000, "999999", 6]);
  });

  test("one more is refused, with the limit", () => {
    expect(problem(range(0, 1_000_001))).toBe(
      "ItemsInvalid spec.items.range: 1000001 items, over the limit of 1000000; cut the work into several tasks",
    );
  });

  test("step 0 never ends and is refused", () => {
    expect(problem(range(0, 1, 0))).toContain("spec.items.range.step: must not be 0");
  });

  test("an index outside is a mistake of the caller", () => {
    expect(() => items(range(0, 3)).at(3)).toThrow("item 3 of 3");
  });
});

describe("a list", () => {
  test("its items arrive as they are, also empty, with quotes, dollars or other scripts", () => {
    const list = ["", "a b", `'"`, "$(POOL_ITEM)", "ü→𝄞"];
    expect(all({ list })).toEqual(list);
  });

  test.each([
    ["a\nb", "has a line break in it"],
    ["a\rb", "has a line break in it"],
    ["a\0b", "NUL"],
    ["\ud800", "not valid UTF-8"],
    ["ü".repeat(16_385), "is 32770 bytes long, over the limit of 32768"],
  ])("an item with a flaw is named by its place: %j", (flawed, why) => {
    const found = problem({ list: ["fine", flawed] });
    expect(found).toContain("ItemsInvalid spec.items.list[1]: ");
    expect(found).toContain(why);
  });

  test("an item of exactly the limit is fine", () => {
    expect(items({ list: ["ü".repeat(16_384)] }).bytesMax).toBe(32_768);
  });

  test("too many items, or too many bytes together, are sent to ConfigMaps", () => {
    expect(problem({ list: Array(10_001).fill("a") })).toContain(
      "10001 items, over the limit of 10000; put them into ConfigMaps",
    );
    expect(problem({ list: Array(10).fill("a".repeat(20_001)) })).toContain(
      "200010 bytes together, over the limit of 200000",
    );
  });
});

describe("a matrix", () => {
  const matrix = [
    { name: "lr", values: ["0.1", "0.01"] },
    { name: "seed", values: ["1", "2", "3"] },
  ];

  test("is every combination, the last axis fastest", () => {
    expect(all({ matrix })).toEqual([
      "lr=0.1,seed=1",
      "lr=0.1,seed=2",
      "lr=0.1,seed=3",
      "lr=0.01,seed=1",
      "lr=0.01,seed=2",
      "lr=0.01,seed=3",
    ]);
  });

  test("tells the coordinates of an item one by one", () => {
    expect(items({ matrix }).axes(4)).toEqual([
      { name: "lr", value: "0.01" },
      { name: "seed", value: "2" },
    ]);
  });

  test("an axis is a variable in capitals, with _ for what a variable cannot hold", () => {
    expect(axisVariable("learning-rate.x")).toBe("POOL_ITEM_LEARNING_RATE_X");
  });

  test("two axes that would be one variable are refused", () => {
    const source = {
      matrix: [
        { name: "a.b", values: ["1"] },
        { name: "A-B", values: ["2"] },
      ],
    };
    expect(problem(source)).toContain(
      "spec.items.matrix[1].name: A-B and a.b would both be the variable POOL_ITEM_A_B",
    );
  });

  test("its product is limited like every count of items", () => {
    const values = Array.from({ length: 101 }, (_, index) => String(index));
    expect(problem({ matrix: ["a", "b", "c"].map((name) => ({ name, values })) })).toContain(
      "1030301 items, over the limit",
    );
  });

  test("its items are limited like every item", () => {
    const values = ["x".repeat(20_000)];
    expect(problem({ matrix: ["a", "b"].map((name) => ({ name, values })) })).toContain(
      "an item would be 40005 bytes long",
    );
  });
});

describe("lines of ConfigMaps", () => {
  test("the n-th line is the n-th item, also where a line is empty; the last line end ends a line", () => {
    expect(all(refs("a"), texts({ a: "one\n\nthree\n" }))).toEqual(["one", "", "three"]);
    expect(all(refs("a"), texts({ a: "one\ntwo" }))).toEqual(["one", "two"]);
  });

  test("several texts follow each other, whether or not they end with a line end", () => {
    expect(all(refs("a", "b", "c"), texts({ a: "1\n2", b: "", c: "3\n" }))).toEqual(["1", "2", "3"]);
  });

  test("CRLF ends a line too, a lone CR is a flaw that is named by its line", () => {
    expect(all(refs("a"), texts({ a: "1\r\n2\r\n" }))).toEqual(["1", "2"]);
    expect(problem(refs("z", "a"), texts({ z: "0", a: "1\n2\r3\n" }))).toContain(
      "spec.items.configMapRefs[1]: line 2 of key items in ConfigMap a: has a line break in it",
    );
  });

  test("a line over the limit is named by its number", () => {
    expect(problem(refs("a", "b"), texts({ a: "1", b: `2\n${"ü".repeat(16_385)}` }))).toContain(
      "spec.items.configMapRefs: item 2: is 32770 bytes long, over the limit of 32768",
    );
    expect(items(refs("a"), texts({ a: "ü".repeat(16_384) })).count).toBe(1);
  });

  test("a text that is not there is a missing dependency", () => {
    expect(problem(refs("a"))).toContain("DependencyMissing spec.items.configMapRefs[0]: ConfigMap a has no key items");
  });

  test("what the ConfigMap itself says is passed on", () => {
    const lookup: TextLookup = (ref) => configMapText({ binaryData: { items: "AA==" } }, ref, 0);
    expect(problem(refs("a"), lookup)).toContain(
      "ItemsInvalid spec.items.configMapRefs[0]: key items of ConfigMap a is not text",
    );
    expect(configMapText(undefined, { name: "a", key: "k" }, 2)).toMatchObject({
      reason: "DependencyMissing",
      field: "spec.items.configMapRefs[2]",
    });
    expect(configMapText({ data: { k: "text" } }, { name: "a", key: "k" }, 0)).toBe("text");
  });
});

describe("the digest", () => {
  test("is the same for the same lines, however they are spread over ConfigMaps", () => {
    const one = items(refs("a"), texts({ a: "1\n2\n3" })).digest;
    expect(items(refs("a", "b"), texts({ a: "1\n", b: "2\n3\n" })).digest).toBe(one);
    expect(one).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test("is the same for a list and for lines", () => {
    expect(items({ list: ["1", "2"] }).digest).toBe(items(refs("a"), texts({ a: "1\r\n2" })).digest);
  });

  test("changes with any item, also where the joined text would not", () => {
    const digests = [["1", "2"], ["12"], ["1", "2", ""], ["2", "1"]].map((list) => items({ list }).digest);
    expect(new Set(digests).size).toBe(4);
  });

  test("of a matrix tells where an axis ends", () => {
    const digest = (a: string[], b: string[]): string =>
      items({
        matrix: [
          { name: "a", values: a },
          { name: "b", values: b },
        ],
      }).digest;
    expect(digest(["b"], ["1"])).not.toBe(digest(["b", "b"], ["1"]));
  });
});
