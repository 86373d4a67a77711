// The walls of the house: who may import whom. The compiler keeps the pure core apart (src/scheduling/tsconfig.json);
// what it cannot see is kept here. ARCHITECTURE.md says why.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** A room, and the rooms that it may import, beside itself. Arrows go down only. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  "src/scheduling": [],
  "src/simulator": ["src/scheduling", "src/api"],
  "src/api": ["src/scheduling", "packages/kube-operator"],
  "src/view": ["src/api", "src/scheduling"],
  "src/engine": ["src/api", "src/scheduling", "packages/kube-operator"],
  "src/controller": ["src/engine", "src/api", "src/scheduling", "packages/kube-operator"],
  // `explain` asks the operator's own observation and planner; that it carries nothing out is the writers' test.
  "src/cli": [
    "src/view",
    "src/simulator",
    "src/controller",
    "src/engine",
    "src/api",
    "src/scheduling",
    "packages/kube-operator",
  ],
  "src/main.ts": ["src/controller", "src/engine", "src/api", "src/config.ts", "packages/kube-operator"],
  "src/config.ts": [],
  "packages/kube-operator": [],
};

/** Packages from outside that a room may use; a room that is not named here may use none but Node's own. */
const mayUse: Readonly<Record<string, readonly string[]>> = {
  "src/scheduling": [],
  "src/api": ["zod", "yaml"],
  "src/config.ts": ["zod"],
  "src/main.ts": ["pino", "prom-client"],
  "src/controller": ["prom-client"],
  "src/cli": ["yaml"],
  "packages/kube-operator": ["zod", "yaml", "prom-client"],
};

interface Import {
  readonly file: string;
  /** A path from the root of the repository, or the name of a package. */
  readonly target: string;
  readonly typeOnly: boolean;
  /** Evaluated only when the code comes to it. */
  readonly isLazy: boolean;
}

const importForm = /^\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|import\("([^"]+)"\)/gm;

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes("node_modules"));
}

function importsOf(file: string): Import[] {
  const found: Import[] = [];
  for (const [, type, plain, dynamic] of readFileSync(join(root, file), "utf8").matchAll(importForm)) {
    const specifier = plain ?? dynamic ?? "";
    const target = specifier.startsWith(".")
      ? relative(root, resolve(root, dirname(file), specifier))
      : specifier.startsWith("@dsl/kube-operator")
        ? "packages/kube-operator"
        : specifier;
    found.push({ file, target, typeOnly: type !== undefined, isLazy: dynamic !== undefined });
  }
  return found;
}

const within = (path: string, room: string): boolean => path === room || path.startsWith(`${room}/`);
const roomOf = (path: string): string | undefined => Object.keys(mayImport).find((room) => within(path, room));

const files = [...sources("src"), ...sources("packages/kube-operator/src")];
const imports = files.flatMap(importsOf);

describe("the walls", () => {
  test("every source file stands in a room", () => {
    expect(files.filter((file) => roomOf(file) === undefined)).toEqual([]);
  });

  test("arrows between the rooms go down only", () => {
    const wrong = imports.filter(({ file, target }) => {
      const from = roomOf(file);
      if (from === undefined || within(target, from) || !/^(src|packages)\//.test(target)) return false;
      return !(mayImport[from] ?? []).some((room) => within(target, room));
    });
    expect(wrong).toEqual([]);
  });

  test("a room uses only the packages that it is granted", () => {
    const wrong = imports.filter(({ file, target }) => {
      const room = roomOf(file) ?? "";
      if (/^(src|packages)\//.test(target)) return false;
      if (target.startsWith("node:"))
        return room === "src/scheduling" || room === "src/simulator" || room === "src/view";
      return !(mayUse[room] ?? []).some((name) => target === name || target.startsWith(`${name}/`));
    });
    expect(wrong).toEqual([]);
  });

  test("no value imports go in a circle", () => {
    const graph = new Map<string, string[]>();
    for (const { file, target, typeOnly } of imports) {
      if (!typeOnly && target.endsWith(".ts")) graph.set(file, [...(graph.get(file) ?? []), target]);
    }
    const state = new Map<string, "open" | "closed">();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === "closed") return;
      if (state.get(file) === "open") {
        circles.push([...path.slice(path.indexOf(file)), file].join(" → "));
        return;
      }
      state.set(file, "open");
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      state.set(file, "closed");
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  test("a verb starts without the schemas: building them takes longer than most verbs do", () => {
    const evaluated = new Set(["src/cli/main.ts"]);
    for (const file of evaluated) {
      for (const each of imports) {
        if (each.file === file && !each.typeOnly && !each.isLazy) evaluated.add(each.target);
      }
    }
    expect(evaluated).toContain("src/cli/top.ts");
    expect([...evaluated].filter((target) => target === "zod")).toEqual([]);
  });

  test("only clock.ts, and the lease's thread, ask the machine for the time or for chance", () => {
    // The lease's thread has to beat in real time: that is what it is for.
    const granted = ["packages/kube-operator/src/clock.ts", "packages/kube-operator/src/leader-worker.ts"];
    const asks = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\b|\bsetTimeout\(|\bsetInterval\(|\bperformance\.now\(/;
    const wrong = files.filter(
      (file) =>
        !granted.includes(file) &&
        asks.test(readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "")),
    );
    expect(wrong).toEqual([]);
  });

  test("only apply.ts, its rooms and the record log write to the cluster, the command line apart", () => {
    const writes = /\b(?:api|kube)\.(?:create|replace|patch|delete)\(/;
    const writers = files.filter(
      (file) => within(file, "src") && !within(file, "src/cli") && writes.test(readFileSync(join(root, file), "utf8")),
    );
    const rooms = ["pool-lock", "remover", "sender", "starter"].map((room) => `src/controller/${room}.ts`);
    expect(writers.sort()).toEqual(["src/controller/apply.ts", ...rooms, "src/controller/record-log.ts"].sort());
    const made = /\bnew (?:PoolLock|Recorder|Remover|Sender|Starter)\(/;
    const makers = files.filter((file) => made.test(readFileSync(join(root, file), "utf8")));
    expect(makers).toEqual(["src/controller/apply.ts"]);
  });

  test("no folder or file is named after nothing", () => {
    expect(files.filter((file) => /(^|\/)(utils?|helpers?|types|common|misc)(\/|\.ts$)/.test(file))).toEqual([]);
  });

  test("the runtime package is our workspace, not a package from a registry", () => {
    const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
    expect(lock.packages["node_modules/@dsl/kube-operator"]).toEqual({
      resolved: "packages/kube-operator",
      link: true,
    });
  });
});
