/** How a trend is drawn with uPlot: quiet lines, the band as a ground, the city's own time. */
import type uPlot from 'uplot';
import { clockText, dayText } from '../i18n/format.ts';
import type { Tokens } from '../marks/tokens.ts';

export interface Drawing {
  width: number;
  height: number;
  zone: string;
  band: readonly [number | null, number | null];
  colours: Tokens;
  /** Called with the index under the cursor, or null when it leaves. */
  read: (index: number | null) => void;
  /** Writes a number in the language of the page. */
  write: (value: number) => string;
}

const DAY_S = 86_400;

/** `Plot` is the class, handed in because it is loaded only when a chart is first drawn. */
export function optionsFor(Plot: typeof uPlot, drawing: Drawing): uPlot.Options {
  const { colours, zone, write } = drawing;
  const axis: uPlot.Axis = {
    stroke: colours.muted,
    font: `11px ${colours.sans}`,
    grid: { stroke: colours.line, width: 1 },
    ticks: { stroke: colours.line, width: 1, size: 4 },
  };
  return {
    width: drawing.width,
    height: drawing.height,
    tzDate: (seconds) => Plot.tzDate(new Date(seconds * 1000), zone),
    legend: { show: false },
    cursor: { y: false, points: { size: 7, fill: colours.accent }, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, low, high) => range(low, high, drawing.band) } },
    axes: [
      { ...axis, space: 64, values: (_plot, splits) => splits.map((at, index) => timeText(at, splits, index, zone)) },
      { ...axis, size: 46, values: (_plot, splits) => splits.map(write) },
    ],
    series: [{}, { stroke: colours.accent, width: 1.5, spanGaps: false, points: { show: false } }],
    hooks: {
      drawClear: [(plot) => paintBand(plot, drawing.band, colours)],
      setCursor: [(plot) => drawing.read(plot.cursor.idx ?? null)],
    },
  };
}

function range(low: number | null, high: number | null, band: Drawing['band']): [number, number] {
  const known = [low, high, ...band].filter((value): value is number => value !== null && value !== undefined);
  const bottom = Math.min(...known);
  const top = Math.max(...known);
  if (!Number.isFinite(bottom)) return [0, 1];
  const air = (top - bottom || Math.abs(top) || 1) * 0.08;
  return [bottom >= 0 ? Math.max(0, bottom - air) : bottom - air, top + air];
}

/** The day where it changes, the hour elsewhere. */
function timeText(at: number, splits: number[], index: number, zone: string): string {
  const day = dayText(at * 1000, zone);
  const before = splits[index - 1];
  const gap = (splits[1] ?? at) - (splits[0] ?? at);
  const short = day.slice(5);
  if (gap >= DAY_S) return short;
  const turned = before === undefined || dayText(before * 1000, zone) !== day;
  return turned ? `${clockText(at * 1000, zone)}\n${short}` : clockText(at * 1000, zone);
}

function paintBand(plot: uPlot, band: Drawing['band'], colours: Tokens): void {
  if (band[0] === null && band[1] === null) return;
  const { left, top, width, height } = plot.bbox;
  const y = (value: number | null, open: number): number => (value === null ? open : Math.min(top + height, Math.max(top, plot.valToPos(value, 'y', true))));
  const upper = y(band[1], top);
  const lower = y(band[0], top + height);
  plot.ctx.save();
  plot.ctx.fillStyle = colours.band;
  plot.ctx.globalAlpha = 0.6;
  plot.ctx.fillRect(left, upper, width, lower - upper);
  plot.ctx.restore();
}
