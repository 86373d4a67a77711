// The engines that what holds for all is tried on, as operators are configured to begin tasks with.
import type { EngineChoice } from "../../src/controller/engine-choice.ts";

export const everyEngine: readonly EngineChoice[] = [
  { name: "Native", binding: "Auto" },
  { name: "Managed", binding: "Auto" },
];
