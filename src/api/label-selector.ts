// The schema of a Kubernetes label selector, for whatever selects by labels. What one selects is selector.ts's.
import * as z from "zod";
import { validations } from "./rule.ts";

/** Makes the schema of an object: closed to judge by, open where unknown fields are kept. */
export type MakeObject = typeof z.strictObject;

const text = (length: number): z.ZodString => z.string().max(length);

/** A label selector of Kubernetes: all that it says must hold, and an empty one holds for everything. */
export function labelSelectorSchema(object: MakeObject, about: string) {
  return object({
    matchLabels: z
      .record(text(317), text(63))
      .meta({ maxProperties: 64 })
      .exactOptional()
      .describe("Labels with exactly these values."),
    matchExpressions: z
      .array(
        object({
          key: text(317).describe("The label."),
          operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]).describe("How to compare."),
          values: z.array(text(63)).max(256).exactOptional().describe("With what, for In and NotIn."),
        }).meta(
          validations([
            {
              rule: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
              message: "In and NotIn need values, Exists and DoesNotExist have none",
              fieldPath: ".values",
            },
          ]),
        ),
      )
      .max(64)
      .exactOptional()
      .describe("Further requirements on labels."),
  }).describe(about);
}
