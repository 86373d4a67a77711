import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { captureScript, capturingCommand, keepDollars, namesTheItem } from "../../src/cli/capture.ts";

const folder = mkdtempSync(join(tmpdir(), "capture-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly status: number | null;
  readonly log: string;
  readonly stderr: string;
  readonly result: string;
}

let runs = 0;

/** Runs the wrapped command as a container would: its own session, so that signals to the group stay inside. */
function run(shell: readonly string[], command: readonly string[], onOutput?: (end: () => void) => void): Promise<Run> {
  const [program = "sh", ...options] = shell;
  const file = join(folder, `result ${runs++}`);
  const child = spawn(program, [...options, "-c", captureScript, "sh", ...command], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, POOL_RESULT: file },
  });
  let log = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    log += chunk;
    onOutput?.(() => process.kill(child.pid ?? 0, "SIGTERM"));
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve) => {
    child.on("close", (status) => resolve({ status, log, stderr, result: readFileSync(file, "utf8") }));
  });
}

const shells = [["/bin/sh"], ["/bin/bash", "--posix"], ["/bin/busybox", "sh"]].filter(([path = ""]) =>
  existsSync(path),
);

describe.each(shells)("under %s", (...shell) => {
  test("standard output is the result, and in the log too", async () => {
    expect(await run(shell, ["printf", "%s\\n", "a b", "$HOME 'c' \"d\""])).toEqual({
      status: 0,
      log: "a b\n$HOME 'c' \"d\"\n",
      stderr: "",
      result: "a b\n$HOME 'c' \"d\"\n",
    });
  });

  test("standard error is no part of the result", async () => {
    expect(await run(shell, ["sh", "-c", "echo result; echo trouble >&2"])).toEqual({
      status: 0,
      log: "result\n",
      stderr: "trouble\n",
      result: "result\n",
    });
  });

  test("the exit status is the command's, and the result of a failure is empty, so that the log's end is told", async () => {
    expect(await run(shell, ["sh", "-c", "echo half; exit 7"])).toEqual({
      status: 7,
      log: "half\n",
      stderr: "",
      result: "",
    });
  });

  test("a command that is not there fails as in any shell", async () => {
    const { status, result } = await run(shell, ["/no/such/program"]);
    expect({ status, result }).toEqual({ status: 127, result: "" });
  });

  test("SIGTERM reaches the command, which may still clean up", async () => {
    const command =
      "trap 'kill $!; echo cleaned up; exit 3' TERM; sleep 5 >/dev/null 2>&1 & echo ready; wait $!; wait $!";
    const { status, log } = await run(shell, ["sh", "-c", command], (end) => end());
    expect({ status, log }).toEqual({ status: 3, log: "ready\ncleaned up\n" });
  });

  test("SIGTERM ends a command that does not care for it", async () => {
    const { status, result } = await run(shell, ["sh", "-c", "echo ready; exec sleep 20"], (end) => end());
    expect({ status, result }).toEqual({ status: 143, result: "" });
  });
});

describe("what Kubernetes would expand in a command", () => {
  /** As Kubernetes documents it for command and args: `$$` is a dollar, `$(NAME)` a variable if there is one. */
  const expand = (word: string): string =>
    word.replace(/\$\$|\$\(([^)]*)\)/g, (found, name?: string) =>
      name === undefined ? "$" : name === "POOL_ITEM" ? "item" : found,
    );

  test.each([
    ["echo $((POOL_ITEM * POOL_ITEM))", "echo $((POOL_ITEM * POOL_ITEM))"],
    ["echo $$ $(date) $HOME $", "echo $$ $(date) $HOME $"],
    ["$$$(HOME)$", "$$$(HOME)$"],
    ["in=$(POOL_ITEM)", "in=item"],
    ["$$(POOL_ITEM)", "$item"],
  ])("%s arrives as %s", (typed, arrives) => {
    expect(expand(keepDollars(typed))).toBe(arrives);
  });

  test("the wrapper itself arrives unchanged", () => {
    expect(expand(capturingCommand([]).at(2) ?? "")).toBe(captureScript);
  });
});

test("$(POOL_ITEM) names the item, $POOL_ITEM is the shell's affair", () => {
  expect(namesTheItem(["f", "x$(POOL_ITEM)"])).toBe(true);
  expect(namesTheItem(["sh", "-c", "f $POOL_ITEM $((POOL_ITEM)) $(POOL_TASK)"])).toBe(false);
});
