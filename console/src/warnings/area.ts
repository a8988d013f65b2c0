/** The area of a warning as lines that can be typed, and as shapes that can be drawn; each made from the other. Pure. */

export type Position = [lon: number, lat: number];

export interface Circle {
  centre: Position;
  radius_km: number;
}

/** Polygons are open: their last position is not their first one again. */
export interface Area {
  rings: Position[][];
  circles: Circle[];
}

export interface ReadArea extends Area {
  /** Numbers of lines that cannot be read, from 1. */
  bad: number[];
  /** Polygons with fewer than three positions: they are being drawn still, and hold nothing. */
  short: number;
}

export const NO_AREA: Area = { rings: [], circles: [] };
const KM_PER_DEGREE = 111.195;
const EDGES = 48;

/**
 * Read an area: a line is "latitude, longitude", of a circle "latitude, longitude, km"; an empty line ends a polygon.
 * A polygon that comes back to where it began is closed once.
 */
export function readArea(text: string): ReadArea {
  const found: ReadArea = { rings: [], circles: [], bad: [], short: 0 };
  let ring: Position[] = [];
  const end = (): void => {
    const [first, last] = [ring[0], ring.at(-1)];
    if (ring.length > 3 && first && last && first[0] === last[0] && first[1] === last[1]) ring.pop();
    if (ring.length > 0 && ring.length < 3) found.short++;
    if (ring.length) found.rings.push(ring);
    ring = [];
  };
  for (const [index, line] of text.split(/\n|;/).entries()) {
    const words = line.trim().split(/[,\s]+/).filter(Boolean);
    if (words.length === 0) {
      end();
      continue;
    }
    const [lat = NaN, lon = NaN, km] = words.map(Number);
    const outside = !(Math.abs(lat) <= 90 && Math.abs(lon) <= 180);
    if (outside || words.length > 3 || (km !== undefined && !(km > 0))) found.bad.push(index + 1);
    else if (km !== undefined) found.circles.push({ centre: [lon, lat], radius_km: km });
    else ring.push([lon, lat]);
  }
  end();
  return found;
}

const degrees = (value: number): string => String(Math.round(value * 1e5) / 1e5);

/** Write an area as lines: polygons first, then circles, with an empty line between any two. */
export function writeArea(area: Area): string {
  const rings = area.rings.map((ring) => ring.map(([lon, lat]) => `${degrees(lat)}, ${degrees(lon)}`).join('\n'));
  const circles = area.circles.map(({ centre: [lon, lat], radius_km }) => `${degrees(lat)}, ${degrees(lon)}, ${Math.round(radius_km * 1000) / 1000}`);
  return [...rings, ...circles].join('\n\n');
}

/** Return the area of a target as it is kept, with polygons open. */
export function areaOf(target: { polygons?: number[][][]; circles?: { centre: number[]; radius_km: number }[] }): Area {
  const rings = (target.polygons ?? []).map((ring) => ring.slice(0, -1).map(([lon = 0, lat = 0]): Position => [lon, lat]));
  const circles = (target.circles ?? []).map(({ centre: [lon = 0, lat = 0], radius_km }): Circle => ({ centre: [lon, lat], radius_km }));
  return { rings, circles };
}

/** Return the shapes as a target keeps them: polygons closed, those that are still too short left out. */
export function targetOf(area: Area): { polygons: number[][][]; circles: { centre: number[]; radius_km: number }[] } {
  const whole = area.rings.filter((ring) => ring.length >= 3);
  return { polygons: whole.map((ring) => [...ring, ring[0]!]), circles: area.circles.map(({ centre, radius_km }) => ({ centre: [...centre], radius_km })) };
}

/** Return the area with a position more: in the polygon that is being drawn, or as the first of a new one. */
export function withPoint(area: Area, point: Position, fresh: boolean): Area {
  if (fresh || area.rings.length === 0) return { ...area, rings: [...area.rings, [point]] };
  return { ...area, rings: area.rings.map((ring, index) => (index === area.rings.length - 1 ? [...ring, point] : ring)) };
}

/** A handle on the map: `ring.vertex`, or `c.circle` for a centre. */
export function movedTo(area: Area, handle: string, point: Position): Area {
  const [of, place] = handle.split('.');
  if (of === 'c') return { ...area, circles: area.circles.map((circle, index) => (index === Number(place) ? { ...circle, centre: point } : circle)) };
  return { ...area, rings: area.rings.map((ring, index) => (index === Number(of) ? ring.map((old, at) => (at === Number(place) ? point : old)) : ring)) };
}

/** Return the area without a vertex or a circle; a polygon that loses its last vertex is gone. */
export function without(area: Area, handle: string): Area {
  const [of, place] = handle.split('.');
  if (of === 'c') return { ...area, circles: area.circles.filter((_, index) => index !== Number(place)) };
  const rings = area.rings.map((ring, index) => (index === Number(of) ? ring.filter((_, at) => at !== Number(place)) : ring));
  return { ...area, rings: rings.filter((ring) => ring.length) };
}

/** Return a circle as a ring of positions, good to a few metres at the size of a city. */
export function ringOfCircle({ centre: [lon, lat], radius_km }: Circle): Position[] {
  const high = radius_km / KM_PER_DEGREE;
  const wide = high / Math.max(0.01, Math.cos((lat * Math.PI) / 180));
  return Array.from({ length: EDGES }, (_, edge): Position => {
    const turn = (2 * Math.PI * edge) / EDGES;
    return [lon + wide * Math.cos(turn), lat + high * Math.sin(turn)];
  });
}
