import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const program = join(import.meta.dirname, "../../src/cli/main.ts");

function run(words: readonly string[], env: Readonly<Record<string, string>> = {}, input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], {
    env: { PATH: process.env.PATH, ...env },
    input,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

test("the program prints its version and ends", () => {
  expect(run(["version"])).toEqual({ status: 0, stdout: "kubectl-pool (from source)\n", stderr: "" });
});

test("wrong use is the process's exit status", () => {
  expect(run(["tpo"]).status).toBe(2);
});

test("a kubeconfig that is not there is named", () => {
  const { status, stderr } = run(["top", "--kubeconfig", "/no/such/file"]);
  expect(status).toBe(1);
  expect(stderr).toContain("/no/such/file");
});

test("items that are not text are refused before anything is sent", () => {
  const words = ["map", "--pool", "lab", "--image", "i", "--", "true"];
  const { status, stderr } = spawnSync(process.execPath, [program, ...words], {
    input: Buffer.from([0xff, 0x0a]),
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: "error: standard input is not UTF-8 text, so it has no items\nSee `kubectl pool map --help`.\n",
  });
});
