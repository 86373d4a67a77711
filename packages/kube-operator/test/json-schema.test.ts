import { expect, test } from "vitest";
import { type JsonSchema, pruned, violations, withDefaults } from "../src/json-schema.ts";

const boat: JsonSchema = {
  type: "object",
  required: ["name"],
  properties: {
    name: { type: "string", minLength: 1, maxLength: 3, pattern: "^[a-z]+$" },
    crew: { type: "integer", default: 4, minimum: 1, maximum: 9 },
    engine: { type: "object", default: {}, properties: { power: { type: "number", default: 2.5 } } },
    sails: {
      type: "array",
      maxItems: 2,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["mast"],
      items: { type: "object", properties: { mast: { type: "integer" }, colour: { type: "string", default: "red" } } },
    },
    notes: { type: "object", additionalProperties: { type: "string", nullable: true } },
    load: { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] },
    cargo: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  },
};

test("defaults fill what is absent or null, also within what they fill in, and within lists", () => {
  expect(withDefaults(boat, { name: "a", crew: null, sails: [{ mast: 1 }] })).toEqual({
    name: "a",
    crew: 4,
    engine: { power: 2.5 },
    sails: [{ mast: 1, colour: "red" }],
  });
});

test("unknown fields are pruned at every depth, unless they are to be kept", () => {
  const value = {
    name: "a",
    wheels: 4,
    engine: { power: 1, brand: "x" },
    cargo: { any: { thing: 1 } },
    notes: { a: "b" },
  };
  expect(pruned(boat, value)).toEqual({
    name: "a",
    engine: { power: 1 },
    cargo: { any: { thing: 1 } },
    notes: { a: "b" },
  });
});

test.each<[object, readonly string[]]>([
  [{ name: "a", load: 3, notes: { x: null } }, []],
  [{ name: "a", load: "3t" }, []],
  [{}, ["name: is required"]],
  [{ name: 1 }, ["name: must be of type string"]],
  [{ name: "" }, ["name: must have at least 1 characters", "name: must match ^[a-z]+$"]],
  [{ name: "abcd" }, ["name: must have at most 3 characters"]],
  [{ name: "a", crew: 0 }, ["crew: must be at least 1"]],
  [{ name: "a", crew: 1.5 }, ["crew: must be of type integer"]],
  [{ name: "a", load: true }, ["load: matches none of the alternatives"]],
  [{ name: "a", notes: { x: 1 } }, ["notes.x: must be of type string"]],
  [{ name: "a", sails: [{ mast: 1 }, { mast: 1 }] }, ["sails: has [1] twice"]],
  [{ name: "a", sails: [{ mast: "one" }] }, ["sails[0].mast: must be of type integer"]],
])("%j: %j", (value, expected) => {
  expect(violations(boat, value)).toEqual(expected);
});

test("of a union exactly one alternative must match", () => {
  const either: JsonSchema = { type: "object", oneOf: [{ required: ["a"] }, { required: ["b"] }] };
  expect(violations(either, { a: 1 })).toEqual([]);
  expect(violations(either, { a: 1, b: 1 }, "spec")).toEqual([
    "spec: must match exactly one of the alternatives, matches 2",
  ]);
  expect(violations({ not: { required: ["a"] } }, { a: 1 })).toEqual(["value: matches what is excluded"]);
});
