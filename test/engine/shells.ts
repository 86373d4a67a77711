// Runs the main container of a shard as a kubelet would, as a plain process under a real shell: expands $(…) as
// Kubernetes does, puts the downward API's file and the scratch directory in place, and keeps the termination message.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Placement } from "../../src/engine/engine.ts";
import { podTemplate } from "../../src/engine/pod.ts";
import { aPlacement, aTask, contextOf, type TaskTraits } from "./builders.ts";

export interface Shell {
  readonly name: string;
  readonly command: readonly string[];
  /** Where this shell's image has its programs. */
  readonly path: string;
}

const hostPath = process.env.PATH ?? "/usr/bin:/bin";

/** What images have as /bin/sh: dash, which is this machine's most often; bash; and busybox, where there is one. */
export async function shells(): Promise<readonly Shell[]> {
  const found: Shell[] = [{ name: "/bin/sh", command: ["/bin/sh"], path: hostPath }];
  if (existsSync("/bin/bash")) found.push({ name: "bash as sh", command: ["/bin/bash", "--posix"], path: hostPath });
  const busybox = await findBusybox();
  if (busybox === undefined) {
    console.info(
      "busybox sh is not tried: no busybox on the PATH, in BUSYBOX, or in the local cluster's cache (deploy/local/get)",
    );
  } else {
    const applets = mkdtempSync(join(tmpdir(), "kube-pool-applets-"));
    spawnSync(busybox, ["--install", "-s", applets]);
    afterAll(() => rmSync(applets, { recursive: true, force: true }));
    found.push({ name: "busybox sh", command: [join(applets, "sh")], path: applets });
  }
  return found;
}

async function findBusybox(): Promise<string | undefined> {
  const cache =
    process.env.KUBE_POOL_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "kube-pool");
  const places = [process.env.BUSYBOX ?? "", ...hostPath.split(":").map((directory) => join(directory, "busybox"))];
  for await (const place of glob(join(cache, "*/bin/busybox"))) places.push(place);
  return places.find((place) => place !== "" && existsSync(place) && spawnSync(place, ["true"]).status === 0);
}

export interface ShardRun {
  readonly exit: number | null;
  readonly message: string;
  /** As the kubelet counts them: half a character at a cut is as many bytes as there are. */
  readonly messageBytes: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunTraits extends TaskTraits {
  readonly items: Placement["items"];
  /** The user's command; what follows `sh -c` most often. */
  readonly script?: string;
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly withoutScratch?: boolean;
}

interface ContainerManifest {
  readonly command: readonly string[];
  readonly args?: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly terminationMessagePath: string;
}

export class ShardProcess {
  readonly directory: string = mkdtempSync(join(tmpdir(), "kube-pool-shard-"));
  readonly child: ChildProcess;
  readonly #records: string;
  #stdout = "";
  #stderr = "";
  #waiters: { readonly text: string; readonly resolve: () => void }[] = [];
  readonly ended: Promise<ShardRun>;

  constructor(
    shell: Shell,
    {
      items,
      script = "",
      command = [...shell.command, "-c", script],
      env = {},
      withoutScratch = false,
      ...traits
    }: RunTraits,
  ) {
    const task = aTask({
      chunk: { size: 1000, mode: "Each" },
      ...traits,
      container: { command: [...command], ...traits.container },
    });
    const { metadata, spec } = podTemplate(contextOf(task), aPlacement({ items }));
    const [container] = spec.containers as readonly ContainerManifest[];
    if (container === undefined) throw new Error("no container");
    mkdirSync(join(this.directory, "items"));
    if (!withoutScratch) mkdirSync(join(this.directory, "scratch"));
    writeFileSync(join(this.directory, "items/lines"), metadata.annotations["kube-pool.dev/items"] ?? "");
    this.#records = join(this.directory, "records");
    const here = (text: string): string =>
      text === container.terminationMessagePath ? this.#records : text.replace(/^\/kube-pool\//, `${this.directory}/`);
    const variables: Record<string, string> = { PATH: shell.path, ...env };
    for (const { name, value } of container.env) variables[name] = here(expanded(value ?? "pod-uid", variables));
    const [, ...words] = [...container.command, ...(container.args ?? [])].map((word) =>
      here(expanded(word, variables)),
    );
    this.child = spawn(shell.command[0] ?? "", [...shell.command.slice(1), ...words], {
      env: variables,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      this.#stdout += chunk;
      this.#waiters = this.#waiters.filter(({ text, resolve }) => {
        if (!this.#stdout.includes(text)) return true;
        resolve();
        return false;
      });
    });
    this.child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      this.#stderr += chunk;
    });
    // What is left in a container dies with its first process, and only then its output is complete.
    this.child.once("exit", () => this.#killGroup());
    this.ended = new Promise((resolve) => this.child.once("close", (exit) => resolve(this.#result(exit))));
  }

  /** Resolves once the container has printed `text`. */
  says(text: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stdout.includes(text)) resolve();
      else this.#waiters.push({ text, resolve });
    });
  }

  #killGroup(): void {
    try {
      if (this.child.pid !== undefined) process.kill(-this.child.pid, "SIGKILL");
    } catch {
      // Nothing was left.
    }
  }

  #result(exit: number | null): ShardRun {
    const bytes = existsSync(this.#records) ? readFileSync(this.#records) : Buffer.alloc(0);
    rmSync(this.directory, { recursive: true, force: true });
    return { exit, message: bytes.toString(), messageBytes: bytes.length, stdout: this.#stdout, stderr: this.#stderr };
  }
}

export function runShard(shell: Shell, traits: RunTraits): Promise<ShardRun> {
  return new ShardProcess(shell, traits).ended;
}

/** As Kubernetes expands values, commands and arguments: `$$` is `$`, `$(NAME)` of an unknown name stays as it is. */
export function expanded(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, next: string, name?: string) =>
    next === "$" ? "$" : (variables[name ?? ""] ?? whole),
  );
}
