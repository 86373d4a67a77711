// The engines that what holds for all is tried on, as operators are configured to begin tasks with.
import type { EngineChoice } from "../../src/controller/engine-choice.ts";

export const native: EngineChoice = { name: "Native", binding: "Auto" };

export const everyEngine: readonly EngineChoice[] = [native, { name: "Managed", binding: "Auto" }];
