import { expect, test } from "vitest";
import { type Happening, nextState, type ReflectorState } from "../src/reflector-state.ts";

const following: ReflectorState = { name: "Following" };
const streaming: ReflectorState = { name: "Streaming" };
const paging: ReflectorState = { name: "Paging" };
const waitingFor = (next: "Streaming" | "Following", delayMs = 800): ReflectorState => ({
  name: "Waiting",
  delayMs,
  next: { name: next },
});
const failed = (failures: number): Happening => ({ name: "failed", delayMs: 800, failures });

test.each<[string, ReflectorState, Happening, ReflectorState]>([
  ["initial objects are complete: follow", streaming, { name: "synced" }, following],
  ["no initial objects to be had: list", streaming, { name: "refused" }, paging],
  ["the list is complete: follow", paging, { name: "synced" }, following],
  ["a list that expires while it is read begins again", paging, { name: "outdated", delayMs: 0 }, streaming],
  ["a watch that ends goes on", following, { name: "ended" }, following],
  ["a watch that breaks goes on later, from the same version", following, failed(1), waitingFor("Following")],
  ["one that breaks again and again is not believed any more", following, failed(5), waitingFor("Streaming")],
  ["a version that is gone: everything again", following, { name: "outdated", delayMs: 0 }, streaming],
  ["and again: later", following, { name: "outdated", delayMs: 900 }, waitingFor("Streaming", 900)],
  ["a first sync that fails begins again later", streaming, failed(1), waitingFor("Streaming")],
  ["after the wait, what was waited for", waitingFor("Following"), { name: "waited" }, following],
  ["told to stop: stopped", waitingFor("Following"), { name: "stopped" }, { name: "Stopped" }],
])("%s", (_, state, happening, expected) => {
  expect(nextState(state, happening)).toEqual(expected);
});
