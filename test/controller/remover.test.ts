import type { KubeApi } from "@dsl/kube-operator";
import { expect, test } from "vitest";
import { attemptKey, type Observed } from "../../src/controller/observe.ts";
import { Remover } from "../../src/controller/remover.ts";
import type { WritableStores } from "../../src/controller/stores.ts";
import { aJob, anAccount, anObservedTask, attempt, noon, success } from "./builders.ts";

/** A task with so many attempts that are recorded and not needed any more. */
function aTaskOf(count: number): Observed {
  const account = anAccount(count);
  const jobs = Array.from({ length: count }, (_, shard) => aJob(shard));
  for (const { shard } of jobs) {
    account.apply(success(shard));
    account.apply(attempt(shard, "Succeeded"));
  }
  const objects = new Map(jobs.map((job) => [attemptKey(job), job]));
  return { tasks: [anObservedTask({ account, objects })] } as unknown as Observed;
}

test("where the server is slow, what is far too much goes a part of a second at a time, so that words are not held up", async () => {
  let elapsedMs = 0;
  let removed = 0;
  const remover = new Remover({
    api: {} as KubeApi,
    stores: { forgetJob() {} } as unknown as WritableStores,
    clock: { monotonic: () => elapsedMs },
    sender: {
      async send() {
        removed += 1;
        elapsedMs += 5;
        return "Gone";
      },
    },
  });
  expect(await remover.remove(aTaskOf(1220), noon, true)).toEqual({ errors: [], wakeAt: noon });
  expect(elapsedMs).toBeLessThan(500);
  expect(removed).toBeGreaterThan(40);
});
