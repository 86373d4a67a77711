// What a task is mapped over, as it is written: the schema of `spec.items` with the rules that need no reading of other
// objects. What the items are is items.ts's.
import * as z from "zod";
import { itemBytesMax, itemCountMax, listBytesMax, listLengthMax } from "./items.ts";
import { validations } from "./rule.ts";

const itemText = (length: number) =>
  z
    .string()
    .max(length)
    .regex(/^[^\n\r\0]*$/, "has a line break or a NUL character in it; an item is one line");

/** CEL for how many items a range has. Its division cuts towards zero, so a range that goes the wrong way has none. */
export function rangeCount(self: string): string {
  const up = `(${self}.end - ${self}.start + ${self}.step - 1) / ${self}.step`;
  const down = `(${self}.start - ${self}.end - ${self}.step - 1) / -${self}.step`;
  return `(${self}.step == 0 || (${self}.end > ${self}.start) != (${self}.step > 0) ? 0 : ${self}.step > 0 ? ${up} : ${down})`;
}

/** CEL for the product of at most six axes: it has no loop that multiplies. */
export function matrixCount(self: string): string {
  const factors = [0, 1, 2, 3, 4, 5].map((index) => `(size(${self}) > ${index} ? size(${self}[${index}].values) : 1)`);
  return `(${factors.join(" * ")})`;
}

const range = z
  .object({
    start: z.int().min(-1e15).max(1e15).default(0).describe("The first item."),
    end: z.int().min(-1e15).max(1e15).describe("Where it ends, excluded, as in Python."),
    step: z.int().min(-1e12).max(1e12).default(1).describe("From one item to the next; may be negative, not 0."),
  })
  .meta(
    validations([
      {
        ofFixed: true,
        rule: "self.step != 0",
        message: "step must not be 0",
        fieldPath: ".step",
      },
      {
        ofFixed: true,
        rule: `${rangeCount("self")} <= ${itemCountMax}`,
        message: `more than ${itemCountMax} items; cut the work into several tasks`,
      },
    ]),
  );

const axis = z.object({
  name: z
    .string()
    .max(40)
    .regex(/^[A-Za-z][A-Za-z0-9_.-]*$/)
    .describe("The axis. Its value is in the variable POOL_ITEM_<NAME>, in capitals, other characters as _."),
  values: z.array(itemText(1024)).min(1).max(1000).describe("Its values, at most 1000."),
});

const configMapKeyRef = z.object({
  name: z.string().min(1).max(253).describe("A ConfigMap in the task's namespace."),
  key: z.string().min(1).max(253).describe("The key whose text has one item a line."),
});

export const itemSource = z
  .object({
    range: range.exactOptional().describe("Whole numbers from start to end, at most 1,000,000."),
    list: z
      .array(itemText(itemBytesMax))
      .max(listLengthMax)
      .meta(
        validations([
          {
            ofFixed: true,
            rule: `self.map(item, size(item)).sum() <= ${listBytesMax}`,
            message: `more than ${listBytesMax} bytes together; put the items into ConfigMaps and name these in configMapRefs`,
          },
        ]),
      )
      .exactOptional()
      .describe("The items one by one: at most 10,000, 32 KiB each and 200 kB together, without line breaks."),
    matrix: z
      .array(axis)
      .min(1)
      .max(6)
      .meta(
        validations([
          {
            ofFixed: true,
            rule: "self.all(a, self.exists_one(b, b.name.upperAscii().replace('.', '_').replace('-', '_') == a.name.upperAscii().replace('.', '_').replace('-', '_')))",
            message: "two axes would be the same variable POOL_ITEM_<NAME>; rename one",
          },
          {
            ofFixed: true,
            rule: `${matrixCount("self")} <= ${itemCountMax}`,
            message: `more than ${itemCountMax} items; cut the work into several tasks`,
          },
        ]),
      )
      .exactOptional()
      .describe(
        "Every combination of the axes' values, the last axis fastest, at most 1,000,000. An item reads lr=0.1,seed=1.",
      ),
    configMapRefs: z
      .array(configMapKeyRef)
      .min(1)
      .max(100)
      .exactOptional()
      .describe(
        "Texts in ConfigMaps, one item a line (an empty line is an empty item), one after the other. They must not change while the task runs.",
      ),
  })
  .describe("What the function is mapped over: exactly one of range, list, matrix, configMapRefs.");

export type ItemSource = z.output<typeof itemSource>;
export type RangeSource = z.output<typeof range>;
export type MatrixAxis = z.output<typeof axis>;
export type ConfigMapKeyRef = z.output<typeof configMapKeyRef>;
