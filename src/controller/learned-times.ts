// What each pool has learned of times: in memory ahead of its status, which it is read back from after a restart.
import type { ResourcePool } from "../api/resource-pool.ts";
import { type History, type Learned, learn, nothingLearned, type Observation } from "../scheduling/index.ts";

export class LearnedTimes {
  /** By the pool's UID. */
  readonly #learned = new Map<string, Learned>();

  of(pool: ResourcePool): Learned {
    const { uid } = pool.metadata;
    let learned = this.#learned.get(uid);
    if (learned === undefined) {
      learned = parseLearned(pool.status?.queue?.learned);
      this.#learned.set(uid, learned);
    }
    return learned;
  }

  learn(pool: ResourcePool, observations: readonly Observation[]): void {
    if (observations.length > 0) this.#learned.set(pool.metadata.uid, learn(this.of(pool), observations));
  }

  /** Of a pool that is gone. */
  forget(uid: string): void {
    this.#learned.delete(uid);
  }
}

const texts = new WeakMap<Learned, readonly string[]>();

/**
 * As it stands in the status, in one text: lines of `<key> <count> <mean> <p90>`, the one learned from longest ago first. As
 * 512 texts they were four fifths of what a status of the pool cost the API server.
 */
export function learnedText(learned: Learned): readonly string[] {
  let text = texts.get(learned);
  if (text === undefined) {
    const lines = [...learned].map(([key, { count, mean, p90 }]) => `${key} ${count} ${mean} ${p90}`);
    text = lines.length === 0 ? [] : [lines.join("\n")];
    texts.set(learned, text);
  }
  return text;
}

/** Whatever is none of ours is left out: people can edit a status. An operator before wrote a text for each line. */
export function parseLearned(stored: unknown): Learned {
  if (!Array.isArray(stored) || stored.length === 0) return nothingLearned;
  return new Map(stored.flatMap((text) => String(text).split("\n")).flatMap((line) => entryOf(line) ?? []));
}

function entryOf(line: string): readonly (readonly [string, History])[] | undefined {
  const match = /^([0-9a-z]{1,16}) (\d{1,15}) (\d{1,15}) (\d{1,15})$/.exec(line);
  if (match === null) return undefined;
  const [, key = "", ...numbers] = match;
  const [count = 0, mean = 0, p90 = 0] = numbers.map(Number);
  return [[key, { count, mean, p90 }]];
}
