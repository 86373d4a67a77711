// All engines. A task keeps the one that it began with, whatever the operator is configured to begin new ones with, so
// all are at work at once.
import type { AttemptState, Engine, EngineName, Surroundings, Write } from "./engine.ts";
import { managedEngine } from "./managed.ts";
import { nativeEngine } from "./native.ts";
import type { PodView } from "./pod-views.ts";
import type { AttemptObject } from "./views.ts";

export const engines: Readonly<Record<EngineName, Engine<never>>> = { Native: nativeEngine, Managed: managedEngine };

/** The engine that an attempt's object is of. */
function engineOf(object: AttemptObject): Engine {
  return (object.kind === "Job" ? nativeEngine : managedEngine) as Engine;
}

export function stopAttempt(object: AttemptObject): Write {
  return engineOf(object).stop(object);
}

export function releaseAttempt(object: AttemptObject): Write | undefined {
  return engineOf(object).release(object);
}

export function removeAttempt(object: AttemptObject): Write {
  return engineOf(object).remove(object);
}

export function observeObject(
  object: AttemptObject,
  pods: readonly PodView[],
  surroundings: Surroundings,
): AttemptState {
  return engineOf(object).observe(object, pods, surroundings);
}
