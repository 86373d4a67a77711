import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type CustomResourceOptions, customResourceDefinition } from "../src/crd.ts";
import { crdDiff } from "../src/crd-diff.ts";
import type { Resource } from "../src/object.ts";

const boats: Resource = { group: "example.dev", version: "v1", kind: "Boat", plural: "boats", namespaced: true };
const spec = z.strictObject({
  crew: z.int().min(1).max(20).default(4).describe("How many row."),
  colour: z.enum(["red", "blue"]).optional().describe("Of the hull."),
  name: z.string().max(40).optional().describe("On the bow."),
});

function aDefinition(changes: Partial<CustomResourceOptions> = {}): ReturnType<typeof customResourceDefinition> {
  return customResourceDefinition({ resource: boats, description: "Something that floats.", spec, ...changes });
}

describe("a definition", () => {
  test("has everything that the API server and kubectl want", () => {
    const definition = aDefinition({
      shortNames: ["bt"],
      categories: ["vessels"],
      status: z.object({ speed: z.number().describe("In knots.") }),
      rules: [{ rule: "self.metadata.name.size() < 20", message: "the name is too long" }],
      columns: [{ name: "Crew", type: "integer", jsonPath: ".spec.crew" }],
      selectableFields: [".spec.colour"],
    });
    expect(definition).toEqual({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "boats.example.dev" },
      spec: {
        group: "example.dev",
        scope: "Namespaced",
        names: {
          kind: "Boat",
          listKind: "BoatList",
          plural: "boats",
          singular: "boat",
          shortNames: ["bt"],
          categories: ["vessels"],
        },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            additionalPrinterColumns: [{ name: "Crew", type: "integer", jsonPath: ".spec.crew" }],
            selectableFields: [{ jsonPath: ".spec.colour" }],
            subresources: { status: {} },
            schema: {
              openAPIV3Schema: {
                description: "Something that floats.",
                type: "object",
                required: ["spec"],
                "x-kubernetes-validations": [
                  { rule: "self.metadata.name.size() < 20", message: "the name is too long" },
                ],
                properties: {
                  apiVersion: { description: expect.any(String), type: "string" },
                  kind: { description: expect.any(String), type: "string" },
                  metadata: { type: "object" },
                  spec: {
                    description: "What is wanted.",
                    type: "object",
                    properties: {
                      crew: {
                        description: "How many row.",
                        type: "integer",
                        format: "int64",
                        default: 4,
                        minimum: 1,
                        maximum: 20,
                      },
                      colour: { description: "Of the hull.", type: "string", enum: ["red", "blue"] },
                      name: { description: "On the bow.", type: "string", maxLength: 40 },
                    },
                  },
                  status: {
                    description: "What is observed.",
                    type: "object",
                    required: ["speed"],
                    properties: { speed: { description: "In knots.", type: "number" } },
                  },
                },
              },
            },
          },
        ],
      },
    });
  });

  test("does not require a spec that may be empty", () => {
    const [version] = aDefinition({ spec: spec.prefault({}) }).spec.versions;
    expect(version?.schema.openAPIV3Schema.required).toBeUndefined();
  });

  test("keeps older versions beside the stored one", () => {
    const older = { name: "v1alpha1", description: "As it was.", spec, deprecationWarning: "use v1" };
    expect(aDefinition({ otherVersions: [older] }).spec.versions).toMatchObject([
      { name: "v1", storage: true },
      { name: "v1alpha1", served: true, storage: false, deprecated: true, deprecationWarning: "use v1" },
    ]);
  });

  test("is refused with all its problems at once", () => {
    const bad = z.strictObject({ a: z.string().regex(/(?=x)/).default("y"), b: z.int() });
    expect(() => aDefinition({ spec: bad })).toThrow(
      [
        "Boat v1 has no proper schema:",
        "  spec.a: has no description",
        "  spec.a: its default: must match (?=x)",
        "  spec.a: its pattern has the look-around (?=, which RE2 does not know",
        "  spec.b: has no description",
      ].join("\n"),
    );
  });
});

describe("the difference to an older definition", () => {
  const withSpec = (changed: z.ZodType): readonly string[] => crdDiff(aDefinition(), aDefinition({ spec: changed }));

  test("is empty for the same one, and for one that only allows more", () => {
    expect(crdDiff(aDefinition(), aDefinition())).toEqual([]);
    const wider = spec.extend({
      crew: z.int().max(50).default(4).describe("How many row."),
      colour: z.enum(["red", "blue", "green"]).optional().describe("Of the hull."),
      flag: z.string().optional().describe("At the stern."),
    });
    expect(withSpec(wider)).toEqual([]);
  });

  test.each<[string, z.ZodType, string]>([
    ["a removed field", spec.omit({ name: true }), "v1 spec.name: removed"],
    [
      "a lower maximum",
      spec.extend({ crew: z.int().min(1).max(10).default(4).describe("c") }),
      "v1 spec.crew: maximum fell to 10",
    ],
    [
      "a higher minimum",
      spec.extend({ crew: z.int().min(2).max(20).default(4).describe("c") }),
      "v1 spec.crew: minimum rose to 2",
    ],
    [
      "a value that is gone",
      spec.extend({ colour: z.enum(["red"]).optional().describe("c") }),
      'v1 spec.colour: "blue" is no longer allowed',
    ],
    [
      "a new bound",
      spec.extend({ name: z.string().min(1).max(40).optional().describe("n") }),
      "v1 spec.name: minLength rose to 1",
    ],
    [
      "a new pattern",
      spec.extend({ name: z.string().max(40).regex(/^a/).optional().describe("n") }),
      'v1 spec.name: pattern was absent, is "^a"',
    ],
    [
      "a field that must now be there",
      spec.extend({ name: z.string().max(40).describe("n") }),
      "v1 spec: requires name now",
    ],
    [
      "another type",
      spec.extend({ name: z.int().optional().describe("n") }),
      'v1 spec.name: type was "string", is "integer"',
    ],
    [
      "another default",
      spec.extend({ crew: z.int().min(1).max(20).default(8).describe("c") }),
      "v1 spec.crew: default was 4, is 8",
    ],
    [
      "a new rule",
      spec.meta({ "x-kubernetes-validations": [{ rule: "self.crew > 1" }] }),
      "v1 spec: has the new rule self.crew > 1",
    ],
  ])("names %s", (_, changed, loss) => {
    expect(withSpec(changed)).toContain(loss);
  });

  test("names what may no longer be null, and free names that get lost", () => {
    const before = z.strictObject({
      note: z.string().nullable().describe("n"),
      labels: z.record(z.string(), z.string()).describe("l"),
      rest: z.looseObject({}).describe("r"),
    });
    const after = before.extend({
      note: z.string().describe("n"),
      labels: z.strictObject({ a: z.string().optional().describe("a") }).describe("l"),
      rest: z.strictObject({}).describe("r"),
    });
    expect(crdDiff(aDefinition({ spec: before }), aDefinition({ spec: after }))).toEqual([
      "v1 spec.note: may no longer be null",
      "v1 spec.labels.*: free names get lost now",
      "v1 spec.rest: unknown fields get lost now",
    ]);
  });

  test("a default may stand in for a field that is newly required", () => {
    expect(withSpec(spec.extend({ keel: z.string().default("oak").describe("k") }))).toEqual([]);
  });

  test("names a version, a subresource, a selector and a name that are gone", () => {
    const status = z.object({ speed: z.number().describe("In knots.") });
    const before = aDefinition({ status, selectableFields: [".spec.colour"], shortNames: ["bt"] });
    expect(crdDiff(before, aDefinition())).toEqual([
      "short name bt: removed",
      "v1: .spec.colour can no longer be selected by",
      "v1: the subresource status is gone",
      "v1 status: removed",
    ]);
    const renamed = aDefinition({ resource: { ...boats, version: "v2" } });
    expect(crdDiff(aDefinition(), renamed)).toEqual(["v1: is no longer served"]);
  });
});
