// Reads a task's records, segment after segment by name, and on from there when asked again. Never lists.
import { controllerOf, isNotFound, type KubeApi } from "@dsl/kube-operator";
import { childName, recordsName } from "../api/labels.ts";
import type { PooledTask } from "../api/pooled-task.ts";
import { parseRecords, type RecordLine, recordsKey } from "../api/records.ts";
import { type ConfigMap, configMaps } from "./kinds.ts";

export class RecordReader {
  readonly #api: KubeApi;
  readonly #task: PooledTask;
  readonly #ask: <T>(request: () => Promise<T>) => Promise<T>;
  #segment = 0;
  /** How much of the present segment has been read, in characters: it only grows at its end. */
  #offset = 0;
  #malformed = 0;

  /** `ask` sends a request, once or as often as it takes. */
  constructor(
    api: KubeApi,
    task: PooledTask,
    ask: <T>(request: () => Promise<T>) => Promise<T> = (request) => request(),
  ) {
    this.#api = api;
    this.#task = task;
    this.#ask = ask;
  }

  /** Lines that were none of ours: people can edit a ConfigMap. */
  get malformedCount(): number {
    return this.#malformed;
  }

  /** What has been recorded since the last call. */
  async *readOn(): AsyncGenerator<RecordLine> {
    for (;;) {
      const segment = await this.#get();
      if (segment === undefined) return;
      const text = segment.data?.[recordsKey] ?? "";
      const whole = text.slice(this.#offset, text.lastIndexOf("\n") + 1);
      this.#offset += whole.length;
      const { records, malformed } = parseRecords(whole);
      this.#malformed += malformed;
      yield* records;
      if (segment.immutable !== true) return;
      this.#segment++;
      this.#offset = 0;
    }
  }

  async #get(): Promise<ConfigMap | undefined> {
    const { namespace } = this.#task.metadata;
    const name = recordsName(childName(this.#task), this.#segment);
    try {
      const segment = await this.#ask(() =>
        this.#api.get(configMaps, { ...(namespace !== undefined && { namespace }), name }),
      );
      // A foreign object may have the name; the owner's uid alone decides.
      return controllerOf(segment)?.uid === this.#task.metadata.uid ? segment : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}
