import { expect, test } from "vitest";
import { takeAllDown, takenDown } from "../../bench/ending.ts";

test("what was set up is taken down once, the last first, and one failure keeps nothing else from going", async () => {
  const gone: string[] = [];
  const end = (name: string) => async (): Promise<void> => void gone.push(name);
  takenDown(end("first"));
  const second = takenDown(end("second"));
  takenDown(async () => {
    throw new Error("no");
  });
  await second();
  expect(gone).toEqual(["second"]);
  expect(await takeAllDown()).toEqual([new Error("no")]);
  expect(gone).toEqual(["second", "first"]);
  expect(await takeAllDown()).toEqual([]);
});
