import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { stopSignal } from "../src/stop-signal.ts";

test("the first signal drains, the second exits", () => {
  const exits: number[] = [];
  const process = Object.assign(new EventEmitter(), { exit: (code: number) => exits.push(code) });
  const signal = stopSignal(process);
  expect(signal.aborted).toBe(false);
  process.emit("SIGTERM");
  expect([signal.aborted, exits]).toEqual([true, []]);
  process.emit("SIGINT");
  expect(exits).toEqual([1]);
});
