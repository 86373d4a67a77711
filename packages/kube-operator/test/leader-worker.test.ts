import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../src/clock.ts";
import { threadElector } from "../src/leader-worker.ts";
import { leases } from "../src/lease.ts";
import { silentLog } from "../src/log.ts";
import { type KubeApiServer, memoryKubeApi, serveKubeApi } from "../testing/index.ts";

// Each test starts processes, which takes long on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const source = join(import.meta.dirname, "lease-program.ts");
const folder = mkdtempSync(join(tmpdir(), "lease program "));
const bundle = join(folder, "program.mjs");

beforeAll(async () => {
  // Some dependencies are CommonJS and call `require` for Node's own modules.
  const js = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;
  await build({
    entryPoints: [source],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    banner: { js },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

let api: ReturnType<typeof memoryKubeApi>;
let server: KubeApiServer;
let renewals: number;
let children: ChildProcess[];

beforeEach(async () => {
  api = memoryKubeApi({ clock: systemClock });
  renewals = 0;
  api.fail(({ verb, resource }) => {
    if (verb === "replace" && resource.kind === "Lease") renewals++;
    return undefined;
  });
  server = await serveKubeApi(api, { token: () => "of-the-program" });
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await server.close();
});

/** Starts the program; `line` resolves with what it says next. It blocks its main thread for `busyMs` when it leads. */
function start(
  file: string,
  { renewMs = 4000, busyMs = 0 }: { renewMs?: number; busyMs?: number } = {},
): { child: ChildProcess; line(): Promise<string> } {
  const args = [file, server.connection.server, "one", `${renewMs}`, `${busyMs}`];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, line: async () => (await lines.next()).value ?? "nothing" };
}

async function holder(): Promise<string | undefined> {
  return (await api.get(leases, { namespace: "default", name: "program" })).spec?.holderIdentity;
}

describe.each([
  ["from source", source],
  ["bundled into one file", bundle],
])("a program %s", (_, file) => {
  test("takes the lease by a thread, and gives it back at a stop", async () => {
    const { child, line } = start(file);
    expect(await line()).toBe("leading, may write: true");
    expect(await holder()).toBe("one");
    child.kill("SIGTERM");
    expect(await line()).toBe("free");
    expect(await line()).toBe("released, may write: false");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(await holder()).toBe("");
  });
});

test("a thread that has not begun is neither dead nor a leader", () => {
  const settings = { namespace: "default", name: "program", identity: "one" };
  const elector = threadElector({ connection: server.connection, settings, log: silentLog });
  expect([elector.beatAgeMs(), elector.mayWrite()]).toEqual([0, false]);
});

test("the lease is renewed while the program's main thread is busy", async () => {
  const { line } = start(source, { busyMs: 1500 });
  await line();
  const before = renewals;
  expect(await line()).toBe("free");
  expect(renewals - before).toBeGreaterThanOrEqual(2);
});

test("a main thread that is stuck for too long is not renewed, and may not write when it moves again", async () => {
  const { line } = start(source, { renewMs: 600, busyMs: 1500 });
  await line();
  expect(await line()).toBe("free");
  expect(await line()).toContain("lost, may write: false");
});

test("a lease that another takes is lost", async () => {
  const { line } = start(source);
  await line();
  await line();
  const stolen = await api.get(leases, { namespace: "default", name: "program" });
  await api.replace(leases, { ...stolen, spec: { ...stolen.spec, holderIdentity: "thief" } });
  expect(await line()).toBe("lost, may write: false");
});
