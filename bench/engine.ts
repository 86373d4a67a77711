// Which engine and binding a scenario's operator is told to take, and the pool that they need.
import type { GroundOptions } from "./cluster.ts";
import { FlagError, type Flags, wordIn } from "./scenario.ts";

export const engineFlags = { engine: "default", binding: "Auto" } as const;

export function engineEnvironment(flags: Flags): Readonly<Record<string, string>> {
  const engine = wordIn(flags, "engine", ["default", "native", "managed"]);
  const binding = wordIn(flags, "binding", ["Auto", "Scheduler", "Direct"]);
  if (engine === "managed") return { KUBE_POOL_ENGINE: binding === "Auto" ? "Managed" : `Managed/${binding}` };
  if (binding !== "Auto")
    throw new FlagError(`--binding ${binding} needs --engine managed: only that one binds Pods itself`);
  return engine === "native" ? { KUBE_POOL_ENGINE: "Native" } : {};
}

/** Direct binding is for nodes that no other scheduler places Pods on. */
export function engineGround({ binding }: Flags): GroundOptions {
  return binding === "Direct" ? { exclusive: true } : {};
}
