// What a newcomer does first, as he does it: fresh clones, `make demo`, with what the machine has and nothing that lies
// here already but the control plane's programs. Not among the ordinary tests, since 300 containers take their minutes.
import { spawn } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const checkout = fileURLToPath(new URL("../../", import.meta.url));
const isRoot = process.getuid?.() === 0;
const nobody = 65_534;
const answer = "primes below 10,000,000: 664579";
if (!isRoot) console.log("skipped: the demo on real containers, which want root");

interface Run {
  readonly code: number | null;
  readonly out: string;
}

/** How it ended, in one line: a failure that is seen once may not be seen again, and then this is all there is. */
function ending({ code, out }: Run): string {
  return `exit ${code}, after: ${out.trimEnd().split("\n").slice(-15).join(" | ")}`;
}

let place: string;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "kube-pool-clones-"));
  await chmod(place, 0o755);
});
afterAll(() => rm(place, { recursive: true, force: true }));

/** All files that a commit would hold now. */
async function clone(name: string): Promise<string> {
  const folder = join(place, name);
  await mkdir(folder);
  const copied = await run(
    "bash",
    [
      "-c",
      'set -o pipefail; git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C "$1"',
      "-",
      folder,
    ],
    { cwd: checkout },
  );
  expect(copied).toEqual({ code: 0, out: "" });
  return folder;
}

interface Where {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
}

/** Both outputs as a terminal would show them. */
function run(program: string, args: readonly string[], { cwd, env, uid }: Where): Promise<Run> {
  const as = uid === undefined ? {} : { uid, gid: uid };
  const child = spawn(program, args, { cwd, env: { ...newcomer(), ...env }, ...as, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (out += text));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => setImmediate(() => resolve({ code, out })));
  });
}

/** His environment: nothing that npm or a test has set. */
function newcomer(): NodeJS.ProcessEnv {
  const set = /^(npm_|NODE_|VITE|VITEST|INIT_CWD|TEST$|MAKE|MFLAGS)/;
  const kept = Object.entries(process.env).filter(([name]) => !set.test(name));
  const path = (process.env.PATH ?? "").split(":").filter((folder) => !folder.includes("node_modules"));
  return { ...Object.fromEntries(kept), PATH: path.join(":") };
}

/** `make demo` with a folder of its own for what is temporary, which it has to leave empty. */
async function demo(folder: string, env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const temporary = `${folder}.tmp`;
  await mkdir(temporary, { recursive: true });
  const ended = await run("make", ["demo"], { cwd: folder, env: { TMPDIR: temporary, ...env } });
  expect(await readdir(temporary)).toEqual([]);
  expect(await runningIn(folder, temporary)).toEqual([]);
  return ended;
}

/** Processes that have one of these folders as their own, or named in how they were called. */
async function runningIn(...folders: readonly string[]): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = await Promise.all([
        readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""),
        readlink(`/proc/${pid}/cwd`).catch(() => ""),
      ]);
      return words.some((word) => folders.some((folder) => word.includes(folder))) ? [words.join(" in ")] : [];
    }),
  );
  return found.flat();
}

describe.skipIf(!isRoot)("make demo, with real containers", () => {
  test("two clones side by side, one in a folder with a space: each prints the counts in order, and leaves nothing", async () => {
    const folders = [await clone("with a space"), await clone("beside")];
    const counts = await readFile(join(checkout, "examples/primes/expected.txt"), "utf8");
    for (const ended of await Promise.all(folders.map((folder) => demo(folder)))) {
      expect(ended.out, ending(ended)).toContain(answer);
      const printed = /in each segment, in order\n([\d\s]+)\n\$/.exec(ended.out)?.[1];
      expect(printed?.trim().split(/\s+/)).toEqual(counts.trim().split("\n"));
      expect(ended.code).toBe(0);
    }
  });

  test("once more in the same folder, kept running: its cluster answers, until make down leaves nothing", async () => {
    const folder = join(place, "with a space");
    const ended = await run("make", ["demo"], { cwd: folder, env: { KEEP: "1" } });
    expect(ended.out, ending(ended)).toContain(answer);
    expect(ended.code).toBe(0);
    const settings = /^ {2}(export KUBECONFIG=.*)$/m.exec(ended.out)?.[1];
    const asked = await run(
      "bash",
      ["-c", `${settings}; kubectl get ptask primes -o jsonpath={.status.results.reduced}`],
      {
        cwd: place,
      },
    );
    expect(asked).toEqual({ code: 0, out: "664579" });
    expect((await run("make", ["down"], { cwd: folder })).code).toBe(0);
    expect(await runningIn(folder)).toEqual([]);
  });
});

test("make demo without root says what is simulated, and prints no number that it did not compute", async () => {
  const folder = await clone("without root");
  const env: NodeJS.ProcessEnv = {};
  if (isRoot) {
    // Neither may he read what root has cached.
    const cache =
      process.env.KUBE_POOL_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "kube-pool");
    Object.assign(env, {
      KUBE_POOL_CACHE: join(place, "cache"),
      HOME: join(place, "home"),
      TMPDIR: join(place, "tmp"),
    });
    await cp(cache, join(place, "cache"), { recursive: true });
    for (const name of ["home", "tmp"]) await mkdir(join(place, name));
    const owned = [folder, "cache", "home", "tmp"];
    expect((await run("chown", ["-R", `${nobody}:${nobody}`, ...owned], { cwd: place })).code).toBe(0);
  }
  const ended = await run("make", ["demo"], { cwd: folder, env, ...(isRoot && { uid: nobody }) });
  expect(ended.out, ending(ended)).toContain("CONTAINERS ARE SIMULATED");
  expect(ended.out, ending(ended)).toContain("no container runs, so there is no result to show");
  expect(ended.out, ending(ended)).toMatch(/primes\s+lab\s+True\s+100\/100/);
  expect(ended.out).not.toContain("664579");
  expect(ended.code).toBe(0);
  expect(await runningIn(folder, join(place, "tmp"))).toEqual([]);
});
