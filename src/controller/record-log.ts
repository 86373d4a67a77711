// The records of one task in its ConfigMaps: read by name from 0 on, appended to under a resourceVersion, sealed when
// full. Two writers collide at the open segment, so nothing is ever recorded twice. Knows no meaning of a line.
import {
  controllerOf,
  controllerReference,
  isNotFound,
  type KubeApi,
  type KubeObject,
  type Resource,
} from "@dsl/kube-operator";
import { labels, recordsName } from "../api/labels.ts";
import { formatRecord, parseRecords, type RecordLine, recordsKey, segmentBytes } from "../api/records.ts";

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

export const configMaps: Resource<ConfigMap> = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
};

/** A ConfigMap that is not this task's stands under a name that the records need. */
export class NameTaken extends Error {
  readonly object: string;
  constructor(object: string) {
    super(`${object} belongs to somebody else`);
    this.name = "NameTaken";
    this.object = object;
  }
}

/** A ConfigMap holds 1 MiB. What is appended at once fills new segments up to this; a group over it is written in parts. */
const segmentBytesMax = 786_432;

interface Segment {
  readonly number: number;
  readonly text: string;
  readonly resourceVersion: string | undefined;
}

export class RecordLog {
  readonly #api: KubeApi;
  readonly #task: KubeObject;
  readonly #child: string;
  #open: Segment = { number: 0, text: "", resourceVersion: undefined };
  /** Of sealed segments. */
  #sealedBytes = 0;

  constructor(api: KubeApi, task: KubeObject, child: string) {
    this.#api = api;
    this.#task = task;
    this.#child = child;
  }

  get segments(): number {
    return this.#open.resourceVersion === undefined ? this.#open.number : this.#open.number + 1;
  }

  get bytes(): number {
    return this.#sealedBytes + Buffer.byteLength(this.#open.text);
  }

  /** Of the segment that the next append writes anew. */
  get openBytes(): number {
    return this.#open.text.length;
  }

  get isEmpty(): boolean {
    return this.segments === 0;
  }

  /** All that was recorded so far, in order. Throws NameTaken. */
  async load(): Promise<readonly RecordLine[]> {
    const lines: RecordLine[] = [];
    this.#sealedBytes = 0;
    for (let number = 0; ; number++) {
      const segment = await this.#read(number);
      if (segment === undefined) {
        this.#open = { number, text: "", resourceVersion: undefined };
        return lines;
      }
      const text = segment.data?.[recordsKey] ?? "";
      for (const line of parseRecords(text).records) lines.push(line);
      if (segment.immutable !== true) {
        this.#open = { number, text, resourceVersion: segment.metadata.resourceVersion };
        return lines;
      }
      this.#sealedBytes += Buffer.byteLength(text);
    }
  }

  async #read(number: number): Promise<ConfigMap | undefined> {
    const name = recordsName(this.#child, number);
    try {
      const segment = await this.#api.get(configMaps, { namespace: this.#namespace, name });
      if (controllerOf(segment)?.uid !== this.#task.metadata.uid) throw new NameTaken(`ConfigMap ${name}`);
      return segment;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  get #namespace(): string {
    return this.#task.metadata.namespace ?? "";
  }

  /**
   * Adds groups of lines; the lines of one group come into one segment, so they are recorded together or not at all. Of
   * a group that no segment can hold, a crash may leave the first part: then its failures are charged twice. Segments are
   * written one after the other, so that a crash leaves no gap; thousands of items that end at once take few of them.
   */
  async append(groups: readonly (readonly RecordLine[])[]): Promise<void> {
    let text = this.#open.text;
    let bytes = Buffer.byteLength(text);
    // One that is there already is written by a patch, which costs the server several times a create.
    let most = this.#open.resourceVersion === undefined ? segmentBytesMax : segmentBytes;
    for (const addition of groups.flatMap(partsOf)) {
      const size = Buffer.byteLength(addition);
      if (bytes > 0 && bytes + size > most) {
        await this.#write(text, true);
        most = segmentBytesMax;
        text = "";
        bytes = 0;
      }
      text += addition;
      bytes += size;
    }
    if (text !== this.#open.text) await this.#write(text, bytes > segmentBytes);
  }

  async #write(text: string, seal: boolean): Promise<void> {
    const { number, resourceVersion } = this.#open;
    const name = recordsName(this.#child, number);
    const content = { data: { [recordsKey]: text }, ...(seal && { immutable: true }) };
    const written =
      resourceVersion === undefined
        ? await this.#api.create(configMaps, {
            apiVersion: "v1",
            kind: "ConfigMap",
            metadata: {
              name,
              namespace: this.#namespace,
              labels: { [labels.taskUid]: this.#task.metadata.uid },
              ownerReferences: [controllerReference(this.#task)],
            },
            ...content,
          })
        : await this.#api.patch(
            configMaps,
            { namespace: this.#namespace, name },
            { type: "merge", body: { metadata: { resourceVersion }, ...content } },
          );
    if (seal) {
      this.#sealedBytes += Buffer.byteLength(text);
      this.#open = { number: number + 1, text: "", resourceVersion: undefined };
    } else this.#open = { number, text, resourceVersion: written.metadata.resourceVersion };
  }
}

/** The text of a group, whole if a segment can hold it. */
function partsOf(group: readonly RecordLine[]): readonly string[] {
  const parts: string[] = [];
  let part = "";
  for (const text of group.map(formatRecord)) {
    if (part.length + text.length > segmentBytesMax && part !== "") {
      parts.push(part);
      part = "";
    }
    part += text;
  }
  return [...parts, part];
}
