import { expect, test } from "vitest";
import { tableText } from "../../src/cli/table.ts";

const columns = [
  { head: "NAME", cell: ([name]: readonly (string | number | undefined)[]) => name },
  { head: "VALUE", cell: ([, value]: readonly (string | number | undefined)[]) => value },
  { head: "LAST", cell: ([, , last]: readonly (string | number | undefined)[]) => last },
];

test("columns are as wide as their widest cell, with three spaces between and none at the end", () => {
  expect(
    tableText(columns, [
      ["a", 1, "x"],
      ["a longer name", 1000, "y"],
    ]),
  ).toBe("NAME            VALUE   LAST\n" + "a               1       x\n" + "a longer name   1000    y\n");
});

test("what is not there is <none>, as kubectl says; zero is a number", () => {
  expect(
    tableText(columns, [
      ["a", undefined, ""],
      ["b", 0, "y"],
    ]),
  ).toBe("NAME   VALUE    LAST\n" + "a      <none>   <none>\n" + "b      0        y\n");
});

test("a program's message can neither tear the table nor speak to the terminal", () => {
  expect(tableText(columns, [["a", "one\r\n  two", "\x1b[31mred\x07"]])).toBe(
    "NAME   VALUE       LAST\n" + "a      one ⏎ two    [31mred\n",
  );
});
