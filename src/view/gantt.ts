// What ran where and when, as a picture (SVG): a lane a node, and below the lanes how much of all nodes was used. Does not
// know where the runs come from.
import { durationText } from "./duration.ts";
import { stacked } from "./stack.ts";
import { timeTicks } from "./time-axis.ts";
import { useByColumn } from "./use-over-time.ts";

export interface GanttRun {
  readonly task: string;
  readonly shard: number;
  readonly node: string;
  /** From the left end of the picture. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Of its node, and of all nodes together. */
  readonly share: number;
  readonly shareOfAll: number;
}

export interface GanttPanel {
  readonly title: string;
  /** In the order of the lanes, top down. */
  readonly nodes: readonly string[];
  readonly runs: readonly GanttRun[];
}

const width = 1200;
const labelWidth = 110;
const plotWidth = width - labelWidth - 20;
const lanesHeightMax = 480;
const laneHeightMax = 120;
const useHeight = 60;
const titleHeight = 30;
const axisHeight = 22;
const panelGap = 18;
/** More bars than this nobody can tell apart: each lane then shows how full its node was. */
const barsMax = 4000;

/** All panels on one time axis, so that they can be compared by eye. */
export function ganttPicture(panels: readonly GanttPanel[]): string {
  const spanMs = Math.max(1, ...panels.flatMap(({ runs }) => runs.reduce((end, { toMs }) => Math.max(end, toMs), 0)));
  // A task has one colour in all panels.
  const hues = huesOf(panels.flatMap(({ runs }) => runs));
  let top = 10;
  const parts: string[] = [];
  for (const panel of panels) {
    parts.push(`<g transform="translate(0 ${round(top)})">${panelText(panel, spanMs, hues)}</g>`);
    top += panelHeight(panel) + panelGap;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${round(top)}" width="${width}" height="${round(top)}" font-family="sans-serif" font-size="12" role="img">
<title>What ran on which node, and when</title>
<style>svg{background:#fff;color:#222}.quiet{fill:#777}.lane{fill:#f2f2f2}.line{stroke:#ccc}.use{fill:#4a7fb5}@media(prefers-color-scheme:dark){svg{background:#161616;color:#ddd}.quiet{fill:#999}.lane{fill:#242424}.line{stroke:#444}.use{fill:#5b93cc}}text{fill:currentColor}</style>
${parts.join("\n")}
</svg>
`;
}

function laneHeightOf({ nodes }: GanttPanel): number {
  return Math.min(laneHeightMax, lanesHeightMax / Math.max(1, nodes.length));
}

function panelHeight(panel: GanttPanel): number {
  return titleHeight + laneHeightOf(panel) * panel.nodes.length + 10 + useHeight + axisHeight;
}

function panelText(panel: GanttPanel, spanMs: number, hues: ReadonlyMap<string, number>): string {
  const laneHeight = laneHeightOf(panel);
  const lanesBottom = titleHeight + laneHeight * panel.nodes.length;
  const x = (ms: number): number => labelWidth + (ms / spanMs) * plotWidth;
  const byNode = Map.groupBy(panel.runs, ({ node }) => node);
  const lanes = panel.nodes.map((node, index) => {
    const top = titleHeight + index * laneHeight;
    const height = Math.max(1, laneHeight - (laneHeight > 6 ? 3 : 0.5));
    const label =
      laneHeight >= 11
        ? `<text x="${labelWidth - 8}" y="${round(top + height / 2 + 4)}" text-anchor="end">${escaped(node)}</text>`
        : "";
    const runs = byNode.get(node) ?? [];
    const content =
      panel.runs.length > barsMax
        ? area(useByColumn(runs, spanMs, plotWidth), top, height)
        : stacked(runs)
            .map((each) => barText(each.bar, each, x, top, height, hues))
            .join("");
    return `<rect class="lane" x="${labelWidth}" y="${round(top)}" width="${plotWidth}" height="${round(height)}"/>${label}${content}`;
  });
  const all = panel.runs.map(({ fromMs, toMs, shareOfAll }) => ({ fromMs, toMs, share: shareOfAll }));
  const useTop = lanesBottom + 10;
  const ticks = timeTicks(spanMs, 10).map(
    ({ atMs, text }) =>
      `<line class="line" x1="${round(x(atMs))}" x2="${round(x(atMs))}" y1="${titleHeight}" y2="${round(useTop + useHeight)}" stroke-opacity=".6"/><text class="quiet" x="${round(x(atMs))}" y="${round(useTop + useHeight + 15)}" text-anchor="middle">${text}</text>`,
  );
  return `<text x="${labelWidth}" y="18" font-size="14" font-weight="bold">${escaped(panel.title)}</text>
${lanes.join("\n")}
<rect class="lane" x="${labelWidth}" y="${round(useTop)}" width="${plotWidth}" height="${useHeight}"/><text class="quiet" x="${labelWidth - 8}" y="${round(useTop + 12)}" text-anchor="end">in use, 100%</text>${area(useByColumn(all, spanMs, plotWidth), useTop, useHeight)}
${ticks.join("")}`;
}

function barText(
  { task, shard, fromMs, toMs, node }: GanttRun,
  { bottom, height }: { readonly bottom: number; readonly height: number },
  x: (ms: number) => number,
  laneTop: number,
  laneHeight: number,
  hues: ReadonlyMap<string, number>,
): string {
  const top = laneTop + (1 - bottom - height) * laneHeight;
  const words = `${task}, shard ${shard}, on ${node}: ${durationText(fromMs)} to ${durationText(toMs)}`;
  return `<rect x="${round(x(fromMs))}" y="${round(top)}" width="${round(Math.max(0.3, x(toMs) - x(fromMs)))}" height="${round(height * laneHeight)}" fill="hsl(${hues.get(task) ?? 0} 55% 55%)" stroke="#fff" stroke-width=".4"><title>${escaped(words)}</title></rect>`;
}

/** One colour a task, neighbours in time far apart on the wheel: steps by the golden angle. */
function huesOf(runs: readonly GanttRun[]): ReadonlyMap<string, number> {
  const hues = new Map<string, number>();
  for (const { task } of [...runs].sort((a, b) => a.fromMs - b.fromMs || (a.task < b.task ? -1 : 1))) {
    if (!hues.has(task)) hues.set(task, Math.round((hues.size * 137.508) % 360));
  }
  return hues;
}

/** A filled curve; equal neighbours are drawn as one step. */
function area(use: Float64Array, top: number, height: number): string {
  const bottom = top + height;
  const points: string[] = [];
  let drawn: number | undefined;
  for (const [column, share] of use.entries()) {
    const y = round(bottom - Math.min(1, share) * height);
    if (y === drawn) continue;
    points.push(`${drawn === undefined ? "" : `H${labelWidth + column}`}V${y}`);
    drawn = y;
  }
  return `<path class="use" d="M${labelWidth} ${round(bottom)}${points.join("")}H${labelWidth + use.length}V${round(bottom)}Z"/>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
