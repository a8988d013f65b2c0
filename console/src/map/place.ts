/** What both maps take, so that the one without WebGL can stand in for the other; and points made from the hub's answers. */
import type { CaseSummary, Entity, Layer } from '../hub/types.ts';
import { CLOCK_MARK, type Tone } from '../marks/marks.ts';
import type { Tokens } from '../marks/tokens.ts';
import type { Box, Drawn, MapPoint } from './flat.ts';

export interface MapProps {
  points: readonly MapPoint[];
  selected?: string | null;
  place?: string | null;
  /** Accessible name. */
  label: string;
  /** Longitude and latitude to look at closely. */
  focus?: [number, number] | null;
  /** No moving and zooming. */
  still?: boolean;
  names?: boolean;
  onpoint?: (id: string) => void;
  onarea?: (code: string) => void;
  onview?: (box: Box) => void;
  /** A place was chosen, by a click or by Enter for the middle of the map. */
  onpick?: (lon: number, lat: number) => void;
  /** Shapes over the map; only the flat map draws them. */
  shapes?: readonly Drawn[];
  /** A point was dragged to a place; only the flat map lets it. */
  onmove?: (id: string, lon: number, lat: number) => void;
}

export function toneColour(tone: Tone, colours: Tokens): string {
  return { quiet: colours.muted, good: colours.good, warn: colours.warn, out: colours.out }[tone];
}

/** Return the point of a case, or null when it has no place. */
export function casePoint(of: CaseSummary, title: string, colours: Tokens): MapPoint | null {
  const { lon, lat } = of.place ?? {};
  if (typeof lon !== 'number' || typeof lat !== 'number') return null;
  const mark = CLOCK_MARK[of.clock];
  // Squares are things; a case wears the shape of its clock, and a ring where that has no outline to fill.
  const shape = mark.shape === 'diamond' || mark.shape === 'triangle' ? mark.shape : 'ring';
  return { id: of.id, lon, lat, shape, colour: toneColour(mark.tone, colours), hollow: of.historical || of.state === 'closed', size: 13, title };
}

/** Return the coordinates of an entity, from its `location`. */
export function placeOf(entity: Entity): [number, number] | null {
  const location = entity['location'] as { value?: GeoJSON.Geometry } | undefined;
  if (location?.value?.type !== 'Point') return null;
  const [lon, lat] = location.value.coordinates;
  return lon === undefined || lat === undefined ? null : [lon, lat];
}

/** Return the value of an attribute and when it was observed. */
export function valueOf(entity: Entity, attribute: string | null): { value: unknown; at: string | null } {
  const found = attribute ? (entity[attribute] as { value?: unknown; observedAt?: string } | undefined) : undefined;
  return { value: found?.value ?? null, at: found?.observedAt ?? null };
}

/** A value older than this greys by itself: what stands on a screen must be of now. */
export const STALE_S = 3 * 3600;

/** Whether a value was observed too long ago to be coloured; `now` is city time in milliseconds. */
export function isStale(at: string | null, now: number): boolean {
  return at !== null && now - Date.parse(at) > STALE_S * 1000;
}

/** Return which of a layer's classes a value falls into: the last stop at or below it; -1 below the first or without a value. */
export function classOf(layer: Layer, value: unknown): number {
  if (typeof value !== 'number') return -1;
  return layer.stops.findLastIndex(([from]) => value >= from);
}

/** Return the colour of a class, spread over the ramp from quiet to alarming. */
export function classColour(layer: Layer, index: number, colours: Tokens): string {
  if (index < 0) return colours.edge;
  const last = colours.ramp.length - 1;
  const step = layer.stops.length > 1 ? Math.round((index / (layer.stops.length - 1)) * last) : 0;
  return colours.ramp[step] ?? colours.edge;
}

/** Whether a place lies in a box. */
export function within(box: Box | null, lon: number, lat: number): boolean {
  return box === null || (lon >= box[0] && lon <= box[2] && lat >= box[1] && lat <= box[3]);
}
