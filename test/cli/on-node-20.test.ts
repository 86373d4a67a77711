import { build } from "esbuild";
import { expect, test } from "vitest";

test("the bundle that users run keeps it", async () => {
  const { outputFiles } = await build({
    entryPoints: ["src/cli/main.ts"],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
  });
  expect(outputFiles[0]?.text).toContain("Map.groupBy ??=");
});

test("where the language's library has no Map.groupBy, ours groups as that does", async () => {
  const native = Map.groupBy;
  Reflect.deleteProperty(Map, "groupBy");
  try {
    await import("../../src/cli/on-node-20.ts");
    const ours = Map.groupBy;
    expect(ours).not.toBe(native);
    const words = new Set(["b1", "a1", "b2"]);
    const byLetter = ours(words, (word, index) => `${word[0]}${index < 2 ? "" : "+"}`);
    expect([...byLetter]).toEqual([
      ["b", ["b1"]],
      ["a", ["a1"]],
      ["b+", ["b2"]],
    ]);
    expect([...ours(words, (word) => word[0])]).toEqual([...native(words, (word) => word[0])]);
  } finally {
    Map.groupBy = native;
  }
});
