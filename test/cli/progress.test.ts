import { manualClock } from "@dsl/kube-operator/testing";
import { expect, test } from "vitest";
import { ProgressDisplay } from "../../src/cli/progress.ts";
import type { Progress } from "../../src/view/progress.ts";

function progress(succeeded: number, rest: Partial<Progress> = {}, failed = 0): Progress {
  return {
    name: "squares",
    items: { total: 100, succeeded, failed },
    percent: succeeded + failed,
    starting: 0,
    running: 8,
    itemsPerSecondMilli: 5100,
    remainingMs: 41_000,
    ...rest,
  };
}

function screen({ isTTY = true, columns = 120, env = {} } = {}) {
  const clock = manualClock();
  const writes: string[] = [];
  const stderr = { isTTY, columns, write: (text: string) => void writes.push(text) };
  return { clock, writes, display: new ProgressDisplay({ stderr, env }, clock) };
}

test("on a terminal a bar is drawn over itself", () => {
  const { display, writes } = screen();
  display.update(progress(25, { starting: 3 }, 2));
  expect(writes).toEqual([
    "\rsquares [======>                 ] 27%  25/100 items  3 starting  8 running  5.1/s  41s left  2 failed\x1b[K",
  ]);
});

test("at most four times a second, and the last state is not forgotten", async () => {
  const { display, writes, clock } = screen();
  for (const done of [1, 2, 3, 4]) {
    display.update(progress(done));
    await clock.advance(50);
  }
  expect(writes.length).toBe(1);
  await clock.advance(50);
  expect(writes.length).toBe(2);
  expect(writes[1]).toContain("4/100 items");
});

test("a line in between takes the bar away and leaves it below", () => {
  const { display, writes } = screen();
  display.update(progress(1));
  writes.length = 0;
  display.interrupt(() => writes.push("a result\n"));
  expect(writes[0]).toBe("\r\x1b[K");
  expect(writes[1]).toBe("a result\n");
  expect(writes[2]).toContain("1/100 items");
});

test("a narrow terminal cuts the bar, so that it does not wrap", () => {
  const { display, writes } = screen({ columns: 40 });
  display.update(progress(1));
  expect(writes[0]?.replace("\r", "").replace("\x1b[K", "").length).toBe(39);
});

test("the end takes the bar away, and nothing is drawn after it", async () => {
  const { display, writes, clock } = screen();
  display.update(progress(1));
  display.update(progress(2));
  display.end();
  expect(writes.at(-1)).toBe("\r\x1b[K");
  const count = writes.length;
  await clock.advance(60_000);
  expect(writes.length).toBe(count);
});

test.each([{ isTTY: false }, { env: { TERM: "dumb" } }])(
  "elsewhere a plain line is written at most every ten seconds, and once at the end: %j",
  async (where) => {
    const { display, writes, clock } = screen(where);
    for (let second = 0; second < 25; second++) {
      display.update(progress(second));
      await clock.advance(1000);
    }
    display.update(progress(100, { running: 0, itemsPerSecondMilli: undefined, remainingMs: undefined }));
    display.end();
    expect(writes.join("")).toMatchInlineSnapshot(`
      "squares: 0/100 items, 8 running, 5.1/s, 41s left
      squares: 9/100 items, 8 running, 5.1/s, 41s left
      squares: 19/100 items, 8 running, 5.1/s, 41s left
      squares: 100/100 items
      "
    `);
  },
);
