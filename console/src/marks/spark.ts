/** Geometry of the small trend line and of the band bar; pure. */

export interface Scale {
  low: number;
  high: number;
}

type Ends = readonly [number | null, number | null];

/** Return a scale that shows all values and the closed ends of the band, with a little air. */
export function scaleFor(values: readonly (number | null)[], band: Ends): Scale {
  const known = [...values, ...band].filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length === 0) return { low: 0, high: 1 };
  const low = Math.min(...known);
  const high = Math.max(...known);
  const air = (high - low || Math.abs(high) || 1) * 0.08;
  return { low: low >= 0 && low - air < 0 ? 0 : low - air, high: high + air };
}

/** Return where a value stands on the scale, 0 to 1. */
export function share(value: number, scale: Scale): number {
  return Math.min(1, Math.max(0, (value - scale.low) / (scale.high - scale.low)));
}

/** Return the path of a trend in a box, broken where a value is missing; x is by time, not by index. */
export function sparkPath(trend: readonly (readonly [number, number | null])[], scale: Scale, width: number, height: number): string {
  const first = trend[0]?.[0] ?? 0;
  const length = (trend.at(-1)?.[0] ?? 0) - first || 1;
  let path = '';
  let broken = true;
  for (const [at, value] of trend) {
    if (value === null) {
      broken = true;
      continue;
    }
    const x = ((at - first) / length) * width;
    const y = height - share(value, scale) * height;
    path += `${broken ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
    broken = false;
  }
  return path;
}

/** Return the part of the scale that the band covers, open ends reaching to the edge: start and length, 0 to 1. */
export function bandShare(band: Ends, scale: Scale): { start: number; length: number } {
  const start = band[0] === null ? 0 : share(band[0], scale);
  const end = band[1] === null ? 1 : share(band[1], scale);
  return { start, length: Math.max(0, end - start) };
}
