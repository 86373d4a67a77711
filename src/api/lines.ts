// Texts as one long list of lines, found by number without cutting the texts up: a million lines in ConfigMaps must not
// stall the operator. Judges no line.

/** A text that ends with a line end, and where its lines end. */
interface Part {
  readonly text: string;
  /** The number of its first line. */
  readonly first: number;
  readonly ends: readonly number[];
}

export class Lines {
  readonly #parts: Part[] = [];
  #count = 0;
  #lengthMax = 0;

  get count(): number {
    return this.#count;
  }

  /** The length of the longest line, in UTF-16 units. */
  get lengthMax(): number {
    return this.#lengthMax;
  }

  /** A line ends with LF or CRLF; the last one may do without. An empty line is a line, an empty text has none. */
  add(written: string): void {
    const unified = written.includes("\r\n") ? written.replaceAll("\r\n", "\n") : written;
    if (unified === "") return;
    const text = unified.endsWith("\n") ? unified : `${unified}\n`;
    const ends: number[] = [];
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      ends.push(end);
      if (end - start > this.#lengthMax) this.#lengthMax = end - start;
      start = end + 1;
    }
    this.#parts.push({ text, first: this.#count, ends });
    this.#count += ends.length;
  }

  at(line: number): string {
    const part = this.#parts.findLast(({ first }) => first <= line);
    const end = part?.ends[line - part.first];
    if (part === undefined || end === undefined) throw new RangeError(`line ${line} of ${this.#count}`);
    return part.text.slice((part.ends[line - part.first - 1] ?? -1) + 1, end);
  }

  /** The texts, each line ended by LF. */
  *texts(): Generator<string> {
    for (const { text } of this.#parts) yield text;
  }
}
