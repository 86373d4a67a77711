import { expect, test } from "vitest";
import type { RecordLine } from "../../src/api/records.ts";
import type { Observed } from "../../src/controller/observe.ts";
import { Recorder } from "../../src/controller/recorder.ts";
import type { TaskMemories, TaskMemory } from "../../src/controller/task-memory.ts";
import type { AttemptPod } from "../../src/engine/views.ts";
import type { Plan } from "../../src/scheduling/index.ts";
import { anAccount, anObservedTask, ended, noon, running } from "./builders.ts";

const itemsPerShard = 300;

test("of tens of thousands of items that end at once about a segment is written at a time", async () => {
  const account = anAccount(60 * itemsPerShard, { chunk: itemsPerShard });
  const appended: RecordLine[][] = [];
  const log = {
    isEmpty: false,
    openBytes: 0,
    append: async (groups: readonly (readonly RecordLine[])[]) => void appended.push(groups.flat()),
  };
  const memory = { stops: new Map(), excludedNodes: new Map(), lastAppend: 0 } as unknown as TaskMemory;
  const attempts = Array.from({ length: 60 }, (_, shard) => {
    const items = Array.from({ length: itemsPerShard }, (__, index) => shard * itemsPerShard + index);
    return ended({ shard, items, outcomes: items.map((item) => ({ item, result: `${item}`, ms: 20 })) });
  });
  const recorder = new Recorder({} as TaskMemories);
  const turn = (): ReturnType<Recorder["record"]> => {
    const left = attempts.filter(({ shard, attempt }) => !account.isRecorded(shard, attempt));
    const task = anObservedTask({ account, ended: left });
    const work = { ...task.memory?.work, log } as unknown as NonNullable<TaskMemory["work"]>;
    const known = Object.assign(memory, { work });
    const observed = { pool: undefined, going: [{ ...task, memory: known }] } as unknown as Observed;
    return recorder.record(observed, { decisions: [] } as unknown as Plan, noon);
  };
  expect(await turn()).toEqual({ errors: [], wakeAt: noon });
  expect(await turn()).toEqual({ errors: [], wakeAt: noon });
  expect(await turn()).toEqual({ errors: [] });
  expect(account.done.count).toBe(60 * itemsPerShard);
  for (const lines of appended) {
    expect(lines.map((line) => JSON.stringify(line)).join("\n").length).toBeLessThan(1_000_000);
  }
});

test("that something has started is written down once it has stood for three seconds, with what has ended by then, and before it is stopped", async () => {
  const recordedAfter = async (ms: number, traits: Parameters<typeof anObservedTask>[0], stops = false) => {
    const account = anAccount(1);
    const appended: RecordLine[] = [];
    const log = {
      isEmpty: false,
      openBytes: 0,
      append: async (groups: readonly (readonly RecordLine[])[]) => void appended.push(...groups.flat()),
    };
    const task = anObservedTask({ account, ...traits });
    const memory = { ...task.memory, stops: new Map(), lastAppend: 0, work: { ...task.memory?.work, log } };
    const observed = { pool: undefined, going: [{ ...task, memory }] } as unknown as Observed;
    const stop = { kind: "stop", task: task.key, shard: 0, attempt: 1, node: "node-1", why: "Suspended" };
    const plan = { decisions: stops ? [stop] : [] } as unknown as Plan;
    const { wakeAt } = await new Recorder({} as TaskMemories).record(observed, plan, noon + ms);
    return { kinds: appended.map(({ kind }) => kind), ...(wakeAt !== undefined && { wakeInMs: wakeAt - noon - ms }) };
  };
  const objects = new Map([["0/1", { kind: "Pod" } as AttemptPod]]);
  const runs = { active: [running(0)], objects };
  expect(await recordedAfter(1000, runs)).toEqual({ kinds: [], wakeInMs: 2000 });
  expect(await recordedAfter(3000, runs)).toEqual({ kinds: ["start"] });
  expect(await recordedAfter(1000, runs, true)).toEqual({ kinds: ["start"] });
  const outcomes = [{ item: 0, result: "0", ms: 20 }];
  expect(await recordedAfter(1000, { ended: [ended({ outcomes })], objects })).toEqual({ kinds: ["item", "attempt"] });
});
