// A queue's memory as it stands in a pool's status: whole numbers, short lists. Written and read back by the operator
// alone; what cannot be read is forgotten, which costs a turn or a hold and no more.
import * as z from "zod";
import { kindsMax, kindTextMax } from "../scheduling/kinds.ts";
import type { QueueMemory } from "../scheduling/model.ts";

/** Beyond these the tasks that were served longest ago are forgotten: who was never served goes first as they do. */
const turnsMax = 1000;
const namespacesMax = 256;
const claimsMax = 256;
const nodesMax = 256;
const shardsMax = 1000;

/** Of one task; one that needs more together is promised anew by each plan. */
const heldNodesMax = 256;
const holdsMax = 100;

const count = (about: string) => z.int().min(0).describe(about);

export const queueMemoryFields = {
  turn: count("The number of the latest turn of RoundRobin.").exactOptional(),
  turns: z
    .array(z.object({ task: z.string().max(64).describe("The task's uid."), turn: count("Its latest turn.") }))
    .max(turnsMax)
    .exactOptional()
    .describe("Of tasks that wait, the number of their latest turn."),
  namespaces: z
    .array(
      z.object({
        name: z.string().max(63).describe("The namespace."),
        usedMs: count("Its use as of usedAt, decayed: share of the pool × milliseconds."),
        holdsPpm: count("What it has held since, in millionths of the pool."),
      }),
    )
    .max(namespacesMax)
    .exactOptional()
    .describe("What FairShare remembers."),
  usedAt: z.iso.datetime().exactOptional().describe("When namespaces was computed."),
  head: z
    .object({
      task: z.string().max(64).describe("The task's uid."),
      at: z.iso.datetime().describe("When it is expected to start."),
    })
    .exactOptional()
    .describe("The task that waits in front and has a place kept for it."),
  holds: z
    .array(
      z.object({
        task: z.string().max(64).describe("The task's uid."),
        at: z.iso.datetime().describe("When its next shards start, or earlier."),
        nodes: z.array(z.string().max(253)).max(heldNodesMax).describe("The node of each place."),
      }),
    )
    .max(holdsMax)
    .exactOptional()
    .describe("What is promised to tasks that wait: of the one in front, under Conservative of the first 100."),
  free: z
    .array(
      z.object({
        name: z.string().max(317).describe("The resource."),
        amount: z.int().describe("In millis or bytes."),
      }),
    )
    .max(64)
    .exactOptional()
    .describe("What was free in all when that was promised: once it is more, promises move forward."),
  kinds: z
    .array(
      z.object({
        shard: z.string().max(kindTextMax).describe("What its shards ask for, and under which constraints."),
        started: count("How many of them have started; all halve now and then."),
      }),
    )
    .max(kindsMax)
    .exactOptional()
    .describe("What a placement that learns knows of the shards that usually come."),
  claims: z
    .array(
      z.object({
        task: z.string().max(64).describe("The task's uid."),
        nodes: z.array(z.string().max(253)).max(nodesMax).describe("The node of each place."),
        since: z.iso.datetime().exactOptional().describe("When the first of them was kept."),
      }),
    )
    .max(claimsMax)
    .exactOptional()
    .describe("Places that are kept for tasks while the shards that were stopped for them end."),
  preempted: z
    .array(
      z.object({
        task: z.string().max(64).describe("The task's uid."),
        why: z.enum(["Preempted", "Reclaimed"]).describe("For a higher priority, or to give back what is reserved."),
      }),
    )
    .max(shardsMax)
    .exactOptional()
    .describe("Tasks of which shards were stopped for others, until one starts again."),
  byAge: z
    .array(z.string().max(80))
    .max(shardsMax)
    .exactOptional()
    .describe("Running shards, as uid/shard, that started because their task had waited long."),
};

const stored = z.object(queueMemoryFields);
export type StoredMemory = z.output<typeof stored>;

/** For the status; nothing where there is nothing to remember. */
export function storedMemory(memory: QueueMemory): StoredMemory {
  const {
    turn,
    turns,
    used,
    holding,
    usedAt,
    head,
    holds = [],
    free,
    kinds,
    claims = [],
    preempted = {},
    byAge = [],
  } = memory;
  const latest = Object.entries(turns)
    .map(([task, at]) => ({ task, turn: at }))
    .sort((a, b) => b.turn - a.turn)
    .slice(0, turnsMax);
  const namespaces = [...new Set([...Object.keys(used), ...Object.keys(holding)])]
    .map((name) => ({
      name,
      usedMs: Math.round(used[name] ?? 0),
      holdsPpm: Math.round((holding[name] ?? 0) * 1_000_000),
    }))
    .filter(({ usedMs, holdsPpm }) => usedMs + holdsPpm > 0)
    .sort((a, b) => b.holdsPpm - a.holdsPpm || b.usedMs - a.usedMs || (a.name < b.name ? -1 : 1))
    .slice(0, namespacesMax);
  const promised = holds
    .filter(({ nodes }) => nodes.length <= heldNodesMax)
    .slice(0, holdsMax)
    .map(({ task, at, nodes }) => ({ task, at: new Date(at).toISOString(), nodes: [...nodes] }));
  return {
    ...(turn > 0 && { turn, turns: latest }),
    ...(namespaces.length > 0 && { namespaces, usedAt: new Date(usedAt).toISOString() }),
    ...(head !== undefined && { head: { task: head.task, at: new Date(head.at).toISOString() } }),
    ...(promised.length > 0 && { holds: promised }),
    ...(free !== undefined && { free: Object.entries(free).map(([name, amount]) => ({ name, amount })) }),
    ...(kinds !== undefined && { kinds: Object.entries(kinds).map(([shard, started]) => ({ shard, started })) }),
    ...(claims.length > 0 && {
      claims: claims.slice(0, claimsMax).map(({ task, nodes, since }) => {
        const kept = { task, nodes: nodes.slice(0, nodesMax) };
        return since === undefined ? kept : { ...kept, since: new Date(since).toISOString() };
      }),
    }),
    ...(Object.keys(preempted).length > 0 && {
      preempted: Object.entries(preempted)
        .slice(0, shardsMax)
        .map(([task, why]) => ({ task, why })),
    }),
    ...(byAge.length > 0 && { byAge: byAge.slice(0, shardsMax) }),
  };
}

/** Undefined where nothing can be read. */
export function readMemory(queue: unknown): QueueMemory | undefined {
  const read = stored.safeParse(queue);
  if (!read.success) return undefined;
  const { turn, turns = [], namespaces = [], usedAt, head, holds, free, kinds, claims, preempted, byAge } = read.data;
  if ([turn, usedAt, head, holds, kinds, claims, preempted, byAge].every((each) => each === undefined))
    return undefined;
  return {
    turn: turn ?? 0,
    turns: Object.fromEntries(turns.map((each) => [each.task, each.turn])),
    used: Object.fromEntries(namespaces.map(({ name, usedMs }) => [name, usedMs])),
    holding: Object.fromEntries(namespaces.map(({ name, holdsPpm }) => [name, holdsPpm / 1_000_000])),
    usedAt: usedAt === undefined ? 0 : Date.parse(usedAt),
    ...(head !== undefined && { head: { task: head.task, at: Date.parse(head.at) } }),
    ...(holds !== undefined && { holds: holds.map((hold) => ({ ...hold, at: Date.parse(hold.at) })) }),
    ...(free !== undefined && { free: Object.fromEntries(free.map(({ name, amount }) => [name, amount])) }),
    ...(kinds !== undefined && { kinds: Object.fromEntries(kinds.map(({ shard, started }) => [shard, started])) }),
    ...(claims !== undefined && {
      claims: claims.map(({ since, ...kept }) => (since === undefined ? kept : { ...kept, since: Date.parse(since) })),
    }),
    ...(preempted !== undefined && { preempted: Object.fromEntries(preempted.map(({ task, why }) => [task, why])) }),
    ...(byAge !== undefined && { byAge }),
  };
}
