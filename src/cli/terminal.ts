// The terminal as a verb sees it: three streams, the environment, and word of an interruption. Tests pass their own.
import { isUtf8 } from "node:buffer";
import process from "node:process";

export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number;
}

export interface Input {
  /** True where a person would have to type the items. */
  readonly isTTY: boolean;
  /** All of it, up to the end; undefined if it is not UTF-8. */
  readText(): Promise<string | undefined>;
}

export interface Terminal {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts on the first Ctrl-C; the second one ends the process. */
  readonly interrupted: AbortSignal;
}

/** Whether text on this output may be drawn over again. */
export function redraws(output: Output, env: Terminal["env"]): boolean {
  return output.isTTY && env.TERM !== "dumb";
}

export function processTerminal(): Terminal {
  const interruption = new AbortController();
  process.once("SIGINT", () => interruption.abort());
  for (const stream of [process.stdout, process.stderr]) {
    // `kubectl pool results x | head` closes the pipe early: that is its wish, not an error.
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      if (stream === process.stdout) process.stderr.write(`error: cannot write: ${error.message}\n`);
      process.exit(1);
    });
  }
  return {
    stdin: {
      get isTTY() {
        return process.stdin.isTTY === true;
      },
      async readText() {
        const chunks: Buffer[] = [];
        for await (const chunk of process.stdin) chunks.push(chunk);
        const bytes = Buffer.concat(chunks);
        // Decoded all the same, an item that is not text would reach the program changed.
        return isUtf8(bytes) ? bytes.toString("utf8") : undefined;
      },
    },
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    env: process.env,
    interrupted: interruption.signal,
  };
}

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => {
      stream.write(text);
    },
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns ?? 80;
    },
  };
}
