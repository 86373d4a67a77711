// A stream of bytes → its lines. Lines may be longer than a chunk, and characters may be cut by it.

const newline = 0x0a;

/** Fails when the stream ends in the middle of a line: what was cut off is not what was sent. */
export async function* linesOf(stream: AsyncIterable<Buffer>, onChunk: () => void = () => {}): AsyncIterable<string> {
  let pieces: Buffer[] = [];
  for await (const chunk of stream) {
    onChunk();
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      // Most lines lie within one chunk; only the others are put together.
      const tail = chunk.subarray(start, end);
      yield (pieces.length === 0 ? tail : Buffer.concat([...pieces, tail])).toString("utf8");
      pieces = [];
      start = end + 1;
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start));
  }
  if (pieces.length > 0) throw new Error("the connection ended in the middle of a line");
}
