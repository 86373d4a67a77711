import { expect, test } from "vitest";
import { sleep } from "../src/clock.ts";
import { manualClock } from "../testing/manual-clock.ts";

test("timers run in the order in which they fall due, each at its own time", async () => {
  const clock = manualClock(1_000);
  const heard: string[] = [];
  const note = (name: string) => () => void heard.push(`${name}@${clock.now()}`);
  clock.after(20, note("b"));
  clock.after(10, note("a"));
  clock.after(20, note("c"));
  clock.after(31, note("late"));
  await clock.advance(30);
  expect(heard).toEqual(["a@1010", "b@1020", "c@1020"]);
  expect([clock.now(), clock.monotonic(), clock.pending]).toEqual([1_030, 30, 1]);
});

test("what waits for a timer goes on before the next one runs, and may set timers that fall due as well", async () => {
  const clock = manualClock(0);
  const heard: string[] = [];
  const walk = async (): Promise<void> => {
    for (let step = 1; step <= 3; step += 1) {
      await sleep(clock, 10);
      heard.push(`step ${step}@${clock.now()}`);
    }
  };
  const walking = walk();
  clock.after(25, () => heard.push(`other@${clock.now()}`));
  await clock.advance(30);
  await walking;
  expect(heard).toEqual(["step 1@10", "step 2@20", "other@25", "step 3@30"]);
});

test("a timer that is cancelled does not run", async () => {
  const clock = manualClock();
  const timer = clock.after(10, () => expect.fail("it ran"));
  timer.cancel();
  await clock.advance(100);
  expect(clock.pending).toBe(0);
});
