import { expect, test } from "vitest";
import { dropManagedFields } from "../src/managed-fields.ts";

const version = { op: "test", path: "/metadata/resourceVersion", value: "7" };
const reset = { op: "add", path: "/metadata/managedFields", value: [{}] };

function operations(...managers: readonly string[]): ReturnType<typeof dropManagedFields> {
  return dropManagedFields({
    metadata: { resourceVersion: "7", managedFields: managers.map((operation) => ({ operation })) },
  });
}

test("the account goes, as long as nobody has changed the object since it was read", () => {
  expect(operations("Update", "Update")).toEqual([version, reset]);
});

test("whoever applies on the server's side keeps it", () => {
  expect(operations("Update", "Apply")).toEqual([]);
});

test("where there is none, there is nothing to write", () => {
  expect(operations()).toEqual([]);
  expect(dropManagedFields({ metadata: { resourceVersion: "7" } })).toEqual([]);
});
