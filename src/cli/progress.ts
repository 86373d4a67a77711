// Shows progress on standard error: a bar that is drawn over where that is possible, else a plain line now and then.
import type { Clock, Timer } from "@dsl/kube-operator";
import { type Progress, progressParts } from "../view/progress.ts";
import { type Output, redraws, type Terminal } from "./terminal.ts";

const redrawEveryMs = 250;
const plainLineEveryMs = 10_000;
const barWidth = 24;

export class ProgressDisplay {
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #redraws: boolean;
  #latest: Progress | undefined;
  #shownText: string | undefined;
  #shownAt = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #isBarVisible = false;

  constructor(terminal: Pick<Terminal, "stderr" | "env">, clock: Clock) {
    this.#output = terminal.stderr;
    this.#clock = clock;
    this.#redraws = redraws(terminal.stderr, terminal.env);
  }

  /** Shows this state, now or as soon as the last one has stood long enough. */
  update(progress: Progress): void {
    this.#latest = progress;
    const waitMs = (this.#redraws ? redrawEveryMs : plainLineEveryMs) - (this.#clock.monotonic() - this.#shownAt);
    if (waitMs <= 0) this.#show();
    else this.#timer ??= this.#clock.after(waitMs, () => this.#show());
  }

  /** Writes whole lines, to whichever output, without leaving pieces of the bar among them. */
  interrupt(write: () => void): void {
    const wasVisible = this.#isBarVisible;
    this.#clear();
    write();
    if (wasVisible && this.#latest !== undefined) this.#drawBar(this.#latest);
  }

  /** Takes the bar away; without a bar the last state is told, unless it has been. */
  end(): void {
    if (!this.#redraws) this.#show();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#clear();
    this.#latest = undefined;
  }

  #show(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#latest === undefined) return;
    this.#shownAt = this.#clock.monotonic();
    if (this.#redraws) this.#drawBar(this.#latest);
    else this.#writeLine(this.#latest);
  }

  #drawBar(progress: Progress): void {
    const text = barText(progress).slice(0, Math.max(20, this.#output.columns - 1));
    this.#output.write(`\r${text}\x1b[K`);
    this.#isBarVisible = true;
  }

  #writeLine(progress: Progress): void {
    const text = `${progress.name}: ${progressParts(progress).join(", ")}\n`;
    if (text !== this.#shownText) this.#output.write(text);
    this.#shownText = text;
  }

  #clear(): void {
    if (this.#isBarVisible) this.#output.write("\r\x1b[K");
    this.#isBarVisible = false;
  }
}

function barText(progress: Progress): string {
  const percent = Math.min(100, progress.percent);
  const filled = Math.floor((percent * barWidth) / 100);
  const bar = "=".repeat(filled) + (filled < barWidth ? ">" : "") + " ".repeat(Math.max(0, barWidth - filled - 1));
  return `${progress.name} [${bar}] ${percent}%  ${progressParts(progress).join("  ")}`;
}
