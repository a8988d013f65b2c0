/** A small map on a plain canvas: the strip, the picker, and the whole map where WebGL is missing. */
import { SHAPES, type Shape } from '../marks/marks.ts';
import type { Tokens } from '../marks/tokens.ts';

export type Box = [west: number, south: number, east: number, north: number];

export interface MapPoint {
  id: string;
  lon: number;
  lat: number;
  shape: Shape;
  colour: string;
  /** Long closed or imported from the past: drawn as an outline. */
  hollow?: boolean;
  /** Diameter in CSS pixels. */
  size: number;
  label?: string;
  title: string;
}

/** Names stand a little below their centre, where a station often is. */
const NAME_BELOW_PX = 18;

export interface View {
  lon: number;
  lat: number;
  /** Pixels per degree of latitude. */
  scale: number;
}

/** Return the view that shows a box whole, with a margin. */
export function fit(box: Box, width: number, height: number, margin = 12): View {
  const [west, south, east, north] = box;
  const lat = (south + north) / 2;
  const across = Math.max(1e-6, (east - west) * Math.cos((lat * Math.PI) / 180));
  const scale = Math.min((width - 2 * margin) / across, (height - 2 * margin) / Math.max(1e-6, north - south));
  return { lon: (west + east) / 2, lat, scale: Math.max(1, scale) };
}

/** Return where a place lies on the canvas; good to a pixel for a city, east-west squeezed by its latitude. */
export function project(view: View, width: number, height: number, lon: number, lat: number): [number, number] {
  const squeeze = Math.cos((view.lat * Math.PI) / 180);
  return [width / 2 + (lon - view.lon) * squeeze * view.scale, height / 2 - (lat - view.lat) * view.scale];
}

/** Return the place under a point of the canvas. */
export function unproject(view: View, width: number, height: number, x: number, y: number): [number, number] {
  const squeeze = Math.cos((view.lat * Math.PI) / 180);
  return [view.lon + (x - width / 2) / (squeeze * view.scale), view.lat - (y - height / 2) / view.scale];
}

/** Return the box that the canvas shows. */
export function boxOf(view: View, width: number, height: number): Box {
  const [west, north] = unproject(view, width, height, 0, 0);
  const [east, south] = unproject(view, width, height, width, height);
  return [west, south, east, north];
}

/** Return the box around all areas, or null when there are none. */
export function boxOfAreas(areas: GeoJSON.FeatureCollection | null): Box | null {
  const box: Box = [180, 90, -180, -90];
  for (const ring of areas?.features.flatMap((feature) => ringsOf(feature.geometry)) ?? []) {
    for (const [lon = 0, lat = 0] of ring) {
      box[0] = Math.min(box[0], lon);
      box[1] = Math.min(box[1], lat);
      box[2] = Math.max(box[2], lon);
      box[3] = Math.max(box[3], lat);
    }
  }
  return box[0] <= box[2] ? box : null;
}

export function ringsOf(geometry: GeoJSON.Geometry | null): GeoJSON.Position[][] {
  if (geometry?.type === 'Polygon') return geometry.coordinates;
  if (geometry?.type === 'MultiPolygon') return geometry.coordinates.flat();
  return [];
}

/** Whether a place lies inside a polygon, by the even-odd rule over all its rings. */
export function contains(geometry: GeoJSON.Geometry | null, lon: number, lat: number): boolean {
  let inside = false;
  for (const ring of ringsOf(geometry)) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [xi = 0, yi = 0] = ring[i] ?? [];
      const [xj = 0, yj = 0] = ring[j] ?? [];
      if (yi > lat !== yj > lat && lon < ((xj - xi) * (lat - yi)) / (yj - yi) + xi) inside = !inside;
    }
  }
  return inside;
}

/** A shape that is drawn over the map: an area of a warning, closed or being drawn still. */
export interface Drawn {
  ring: readonly GeoJSON.Position[];
  closed: boolean;
}

export interface Scene {
  shapes?: readonly Drawn[];
  areas: GeoJSON.FeatureCollection | null;
  points: readonly MapPoint[];
  /** District that is chosen, drawn stronger. */
  place: string | null;
  /** Point that is chosen. */
  selected: string | null;
  names: ReadonlyMap<string, { text: string; lon: number; lat: number }>;
}

/** Paint the scene; the context is already scaled to CSS pixels. */
export function paint(context: CanvasRenderingContext2D, scene: Scene, view: View, width: number, height: number, colours: Tokens): void {
  context.fillStyle = colours.ground;
  context.fillRect(0, 0, width, height);
  const at = (lon: number, lat: number) => project(view, width, height, lon, lat);
  for (const feature of scene.areas?.features ?? []) {
    const chosen = scene.place !== null && feature.properties?.['code'] === scene.place;
    tracePolygon(context, ringsOf(feature.geometry), at);
    context.fillStyle = chosen ? colours.band : colours.land;
    context.fill('evenodd');
    context.lineWidth = chosen ? 2 : 1;
    context.strokeStyle = chosen ? colours.accent : colours.edge;
    context.stroke();
  }
  for (const shape of scene.shapes ?? []) paintDrawn(context, shape, at, colours);
  paintNames(context, scene, at, colours);
  for (const point of scene.points) paintPoint(context, point, at(point.lon, point.lat), point.id === scene.selected, colours);
}

function tracePolygon(context: CanvasRenderingContext2D, rings: GeoJSON.Position[][], at: (lon: number, lat: number) => [number, number]): void {
  context.beginPath();
  for (const ring of rings) {
    ring.forEach(([lon = 0, lat = 0], index) => (index ? context.lineTo(...at(lon, lat)) : context.moveTo(...at(lon, lat))));
    context.closePath();
  }
}

function paintDrawn(context: CanvasRenderingContext2D, shape: Drawn, at: (lon: number, lat: number) => [number, number], colours: Tokens): void {
  context.save();
  context.beginPath();
  shape.ring.forEach(([lon = 0, lat = 0], index) => (index ? context.lineTo(...at(lon, lat)) : context.moveTo(...at(lon, lat))));
  context.strokeStyle = colours.accent;
  context.lineWidth = 2;
  if (shape.closed) {
    context.closePath();
    context.fillStyle = colours.accent;
    context.globalAlpha = 0.18;
    context.fill('evenodd');
    context.globalAlpha = 1;
  } else context.setLineDash([6, 4]);
  context.stroke();
  context.restore();
}

/** Paint a cross in the middle: where a key puts a point. */
export function paintCross(context: CanvasRenderingContext2D, width: number, height: number, colours: Tokens): void {
  const [x, y] = [width / 2, height / 2];
  for (const [colour, line] of [[colours.panel, 4], [colours.ink, 1.5]] as const) {
    context.beginPath();
    context.moveTo(x - 9, y);
    context.lineTo(x + 9, y);
    context.moveTo(x, y - 9);
    context.lineTo(x, y + 9);
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.stroke();
  }
}

function paintNames(context: CanvasRenderingContext2D, scene: Scene, at: (lon: number, lat: number) => [number, number], colours: Tokens): void {
  context.font = `12px ${colours.sans}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (const { text, lon, lat } of scene.names.values()) {
    const [x, y] = at(lon, lat);
    halo(context, text, [x, y + NAME_BELOW_PX], colours.muted, colours);
  }
}

function paintPoint(context: CanvasRenderingContext2D, point: MapPoint, [x, y]: [number, number], selected: boolean, colours: Tokens): void {
  context.save();
  context.translate(x, y);
  if (selected) {
    context.beginPath();
    context.arc(0, 0, point.size * 0.5 + 5, 0, 7);
    context.strokeStyle = colours.accent;
    context.lineWidth = 2.5;
    context.stroke();
  }
  context.scale(point.size / 12, point.size / 12);
  context.translate(-6, -6);
  paintShape(context, point.shape, point.colour, point.hollow ?? false, colours.panel);
  context.restore();
  if (point.label) halo(context, point.label, [x, y - point.size / 2 - 8], colours.ink, colours);
}

/** Paint a shape of 12 × 12 units: filled with a rim, or only its outline. */
export function paintShape(context: CanvasRenderingContext2D, shape: Shape, colour: string, hollow: boolean, rim: string): void {
  const path = new Path2D(SHAPES[shape].d);
  context.lineJoin = 'round';
  context.lineWidth = hollow ? 2 : 1.5;
  context.fillStyle = hollow ? rim : colour;
  context.fill(path);
  context.strokeStyle = hollow ? colour : rim;
  context.stroke(path);
}

function halo(context: CanvasRenderingContext2D, text: string, [x, y]: [number, number], ink: string, colours: Tokens): void {
  context.lineWidth = 3;
  context.lineJoin = 'round';
  context.strokeStyle = colours.panel;
  context.strokeText(text, x, y);
  context.fillStyle = ink;
  context.fillText(text, x, y);
}

/** Return the point nearest to a place on the canvas, within reach of a finger. */
export function pointAt(scene: Scene, view: View, width: number, height: number, x: number, y: number, reach = 14): MapPoint | null {
  let best: MapPoint | null = null;
  let nearest = reach * reach;
  for (const point of scene.points) {
    const [px, py] = project(view, width, height, point.lon, point.lat);
    const distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance <= nearest) {
      nearest = distance;
      best = point;
    }
  }
  return best;
}
