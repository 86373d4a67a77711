// Asks a running Node program, the very one that users run, through its inspector (`--inspect=127.0.0.1:0`).
import type { ChildProcess } from "node:child_process";

export interface Inspector {
  /** What lives on the heap, garbage left out. */
  liveBytes(): Promise<number>;
  close(): void;
}

/** To be called before the program has said anything. */
export async function inspectorOf(child: ChildProcess): Promise<Inspector> {
  const socket = new WebSocket(await listening(child));
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("the inspector does not answer"));
  });
  const waiting = new Map<number, (result: unknown) => void>();
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(String(data));
    waiting.get(id)?.(result);
    waiting.delete(id);
  };
  let calls = 0;
  const call = (method: string): Promise<unknown> =>
    new Promise((resolve) => {
      waiting.set(++calls, resolve);
      socket.send(JSON.stringify({ id: calls, method }));
    });
  return {
    async liveBytes() {
      // What the first leaves behind, such as weak maps, the second finds dead.
      await call("HeapProfiler.collectGarbage");
      await call("HeapProfiler.collectGarbage");
      const { usedSize } = (await call("Runtime.getHeapUsage")) as { readonly usedSize: number };
      return usedSize;
    },
    close: () => socket.close(),
  };
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let told = "";
    child.stderr?.on("data", (text: Buffer) => {
      told += text.toString();
      const [found] = /ws:\/\/\S+/.exec(told) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", () => reject(new Error(`the program ended before it could be asked: ${told}`)));
  });
}
