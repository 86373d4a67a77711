import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { JsonSchema } from "../src/json-schema.ts";
import { re2Problem, schemaProblems, unboundedFields } from "../src/schema-checks.ts";
import { structuralSchema } from "../src/structural-schema.ts";

const described = (schema: JsonSchema): JsonSchema => ({ ...schema, description: "Something." });

describe("what zod says becomes what the API server wants", () => {
  test.each<[string, z.ZodType, JsonSchema]>([
    ["an integer", z.int(), { type: "integer", format: "int64" }],
    ["an integer of 32 bits", z.int32(), { type: "integer", format: "int32" }],
    ["an integer with bounds", z.int().min(1).max(9), { type: "integer", format: "int64", minimum: 1, maximum: 9 }],
    ["a time", z.iso.datetime(), { type: "string", format: "date-time" }],
    ["a date", z.iso.date(), { type: "string", format: "date" }],
    ["bytes", z.base64(), { type: "string", format: "byte" }],
    ["a constant", z.literal("a"), { type: "string", enum: ["a"] }],
    ["a union of constants", z.union([z.literal("a"), z.literal("b")]), { type: "string", enum: ["a", "b"] }],
    ["null", z.string().nullable(), { type: "string", nullable: true }],
    ["two patterns", z.string().regex(/a/).regex(/b/), { type: "string", allOf: [{ pattern: "a" }, { pattern: "b" }] }],
    ["a prefix", z.string().startsWith("/"), { type: "string", pattern: "^\\/.*" }],
    ["anything", z.unknown(), { "x-kubernetes-preserve-unknown-fields": true }],
    ["what is only read", z.string().readonly(), { type: "string" }],
    [
      "a map",
      z.record(z.string().max(9), z.int()),
      { type: "object", additionalProperties: { type: "integer", format: "int64" } },
    ],
    [
      "a strict object, which pruning keeps strict",
      z.strictObject({ a: z.string() }),
      { type: "object", required: ["a"], properties: { a: { type: "string" } } },
    ],
    [
      "a loose object",
      z.looseObject({ a: z.string() }),
      {
        type: "object",
        required: ["a"],
        properties: { a: { type: "string" } },
        "x-kubernetes-preserve-unknown-fields": true,
      },
    ],
    [
      "a loose object without fields",
      z.looseObject({}),
      { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    ],
    [
      "an integer or a string",
      z.union([z.int(), z.string().max(9).regex(/^a/)]),
      {
        anyOf: [{ type: "integer" }, { type: "string" }],
        "x-kubernetes-int-or-string": true,
        pattern: "^a",
        maxLength: 9,
      },
    ],
    [
      "two ways to write a string",
      z.union([z.literal("auto"), z.string().regex(/^\d+$/)]),
      { type: "string", anyOf: [{ enum: ["auto"] }, { pattern: "^\\d+$" }] },
    ],
    [
      "defaults of nested objects",
      z.strictObject({ inner: z.strictObject({ a: z.int().default(1) }).prefault({}) }),
      {
        type: "object",
        properties: {
          inner: {
            type: "object",
            default: {},
            properties: { a: { type: "integer", format: "int64", default: 1 } },
          },
        },
      },
    ],
    [
      "a list of type map with a rule, by .meta()",
      z.array(z.strictObject({ name: z.string() })).meta({
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "x-kubernetes-validations": [{ rule: "self.size() > 0" }],
      }),
      {
        type: "array",
        items: { type: "object", required: ["name"], properties: { name: { type: "string" } } },
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "x-kubernetes-validations": [{ rule: "self.size() > 0" }],
      },
    ],
  ])("%s", (_, schema, structural) => {
    expect(structuralSchema(schema)).toEqual(structural);
  });

  test("of a union of objects the fields stand outside, and the branches only tell which belong together", () => {
    const schema = z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("range").describe("Which."), end: z.int().describe("The last.") }),
      z.strictObject({ kind: z.literal("list"), names: z.array(z.string()).describe("All.") }),
    ]);
    const structural = structuralSchema(schema);
    expect(structural).toEqual({
      type: "object",
      required: ["kind"],
      properties: {
        kind: { description: "Which.", type: "string", enum: ["range", "list"] },
        end: { description: "The last.", type: "integer", format: "int64" },
        names: { description: "All.", type: "array", items: { type: "string" } },
      },
      oneOf: [
        { properties: { kind: { enum: ["range"] } }, required: ["end"], not: { anyOf: [{ required: ["names"] }] } },
        { properties: { kind: { enum: ["list"] } }, required: ["names"], not: { anyOf: [{ required: ["end"] }] } },
      ],
    });
    expect(schemaProblems(structural)).toEqual([]);
  });
});

describe("what has no structural schema is refused by its path", () => {
  interface Tree {
    readonly children?: readonly Tree[] | undefined;
  }
  const tree: z.ZodType<Tree> = z.object({
    get children() {
      return z.array(tree).optional();
    },
  });

  test.each<[string, z.ZodType, RegExp]>([
    ["a tuple", z.object({ a: z.object({ pair: z.tuple([z.int(), z.int()]) }) }), /^a\.pair: a tuple has no/],
    ["a union of types", z.object({ a: z.union([z.int(), z.boolean()]) }), /^a: a union of integer and boolean has no/],
    [
      "named fields beside a schema for all others",
      z.object({ a: z.int() }).catchall(z.string()),
      /named fields beside/,
    ],
    ["recursion", tree, /[Cc]ycle/],
    ["an unknown keyword", z.object({ a: z.string().meta({ "x-made-up": 1 }) }), /^a: "x-made-up" has no/],
    [
      "a field that means different things",
      z.object({ u: z.union([z.object({ a: z.int() }), z.object({ a: z.string() })]) }),
      /^u\.a: differs between the alternatives/,
    ],
  ])("%s", (_, schema, message) => {
    expect(() => structuralSchema(schema)).toThrow(message);
  });
});

describe("checks", () => {
  test.each<[string, JsonSchema, string]>([
    ["a field without a type", { type: "object", properties: { a: described({}) } }, "a: has no type"],
    [
      "a field without a description",
      { type: "object", properties: { a: { type: "string" } } },
      "a: has no description",
    ],
    ["a default of the wrong type", { type: "string", default: 1 }, "the schema: its default: must be of type string"],
    [
      "a default out of bounds",
      { type: "integer", maximum: 3, default: 4 },
      "the schema: its default: must be at most 3",
    ],
    [
      "a default with unknown fields",
      { type: "object", properties: {}, default: { a: 1 } },
      "the schema: its default has unknown fields",
    ],
    [
      "a default that lacks what is required",
      { type: "object", required: ["a"], properties: { a: described({ type: "string" }) }, default: {} },
      "the schema: its default.a: is required",
    ],
    ["a list of anything", { type: "array" }, "the schema: is a list without a schema for its items"],
    [
      "a map key that may be absent",
      {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        items: { type: "object", properties: { name: described({ type: "string" }) } },
      },
      "the schema: has the key name, which is neither required nor has a default",
    ],
    [
      "a type inside a combination",
      { type: "string", anyOf: [{ type: "string" }] },
      "the schema: has type inside a combination",
    ],
    [
      "a field inside a combination only",
      { type: "object", oneOf: [{ properties: { a: { minimum: 1 } } }] },
      "the schema: has a inside a combination only",
    ],
    [
      "a required field that does not exist",
      { type: "object", properties: {}, required: ["a"] },
      "the schema: requires a, which it does not have",
    ],
  ])("find %s", (_, schema, problem) => {
    expect(schemaProblems(schema)).toEqual([problem]);
  });

  test("a default of an object is what the server completes it to", () => {
    const schema: JsonSchema = {
      type: "object",
      default: {},
      required: ["a"],
      properties: { a: described({ type: "string", default: "x" }) },
    };
    expect(schemaProblems(schema)).toEqual([]);
  });

  test("name each string, list and map without an upper bound", () => {
    const schema = structuralSchema(
      z.strictObject({
        free: z.string(),
        bounded: z.string().max(3),
        chosen: z.enum(["a"]),
        when: z.iso.datetime(),
        list: z.array(z.string().max(3)),
        map: z.record(z.string(), z.int()),
        amount: z.union([z.int(), z.string()]),
      }),
    );
    expect(unboundedFields(schema)).toEqual([
      "free: has no maxLength",
      "list: has no maxItems",
      "map: has no maxProperties",
      "amount: has no maxLength",
    ]);
  });

  test.each([
    ["^(?=a)", "the look-around (?="],
    ["(?<!a)b", "the look-around (?<!"],
    ["(a)\\1", "the backreference \\1"],
    ["(?<x>a)\\k<x>", "the backreference \\k"],
    ["\\u0041", "the escape \\u"],
    ["a{1001}", "the count {1001} over 1000"],
    ["[^]", "the empty class [^]"],
  ])("RE2 does not know %s", (pattern, problem) => {
    expect(re2Problem(pattern)).toBe(problem);
  });

  test.each(["^[a-z]([-a-z0-9]*[a-z0-9])?$", "^\\d{1,3}(?:\\.\\d+)?$", "\\\\1", "\\(?=", "a{2,1000}", "(?<year>\\d+)"])(
    "RE2 knows %s",
    (pattern) => {
      expect(re2Problem(pattern)).toBeUndefined();
    },
  );
});
