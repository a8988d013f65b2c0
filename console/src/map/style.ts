/** The map's style, made from the tokens: local data only, no tiles, no fonts from elsewhere. */
import type { GeoJSONSourceSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';
import type { Tokens } from '../marks/tokens.ts';
import { paintShape, type MapPoint } from './flat.ts';

const EMPTY: GeoJSONSourceSpecification = { type: 'geojson', data: { type: 'FeatureCollection', features: [] } };

export function styleFor(colours: Tokens): StyleSpecification {
  const layers: LayerSpecification[] = [
    { id: 'ground', type: 'background', paint: { 'background-color': colours.ground } },
    { id: 'areas', type: 'fill', source: 'areas', paint: { 'fill-color': ['case', ['==', ['get', 'chosen'], true], colours.band, colours.land] } },
    { id: 'edges', type: 'line', source: 'areas', paint: { 'line-color': ['case', ['==', ['get', 'chosen'], true], colours.accent, colours.edge], 'line-width': ['case', ['==', ['get', 'chosen'], true], 2, 1] } },
    {
      id: 'names',
      type: 'symbol',
      source: 'names',
      layout: { 'text-field': ['get', 'text'], 'text-size': 12, 'text-font': ['sans-serif'], 'text-offset': [0, 1.5], 'text-allow-overlap': true, 'text-ignore-placement': true },
      paint: { 'text-color': colours.muted, 'text-halo-color': colours.panel, 'text-halo-width': 1.5 },
    },
    {
      id: 'chosen',
      type: 'circle',
      source: 'points',
      filter: ['==', ['get', 'chosen'], true],
      paint: { 'circle-radius': 13, 'circle-color': colours.accent, 'circle-opacity': 0.25, 'circle-stroke-color': colours.accent, 'circle-stroke-width': 2 },
    },
    {
      id: 'points',
      type: 'symbol',
      source: 'points',
      layout: {
        'icon-image': ['get', 'image'],
        'icon-allow-overlap': true,
        'icon-size': ['get', 'scale'],
        'text-field': ['get', 'label'],
        'text-size': 12,
        'text-font': ['sans-serif'],
        'text-offset': [0, -1.3],
        'text-optional': true,
      },
      paint: { 'text-color': colours.ink, 'text-halo-color': colours.panel, 'text-halo-width': 1.5 },
    },
  ];
  return { version: 8, sources: { areas: EMPTY, names: EMPTY, points: EMPTY }, layers };
}

export const ICON_PX = 16;
const ICON_RATIO = 2;

/** Return the name of the icon that a point wears; equal looks share one. */
export function iconName(point: MapPoint): string {
  return `${point.shape} ${point.colour} ${point.hollow ? 'hollow' : 'full'}`;
}

/** Draw an icon at twice its size, sharp on dense screens. */
export function iconOf(point: MapPoint, rim: string): { image: ImageData; options: { pixelRatio: number } } {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = (ICON_PX + 4) * ICON_RATIO;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('a 2D context is refused');
  context.scale(ICON_RATIO, ICON_RATIO);
  context.translate(2, 2);
  context.scale(ICON_PX / 12, ICON_PX / 12);
  paintShape(context, point.shape, point.colour, point.hollow ?? false, rim);
  return { image: context.getImageData(0, 0, canvas.width, canvas.height), options: { pixelRatio: ICON_RATIO } };
}

export function pointFeatures(points: readonly MapPoint[], selected: string | null): GeoJSON.FeatureCollection {
  const features = points.map((point): GeoJSON.Feature => ({
    type: 'Feature',
    geometry: { type: 'Point', coordinates: [point.lon, point.lat] },
    properties: { id: point.id, image: iconName(point), scale: point.size / ICON_PX, label: point.label ?? '', chosen: point.id === selected },
  }));
  return { type: 'FeatureCollection', features };
}

export function areaFeatures(areas: GeoJSON.FeatureCollection | null, place: string | null): GeoJSON.FeatureCollection {
  const features = (areas?.features ?? []).map((feature) => ({ ...feature, properties: { ...feature.properties, chosen: feature.properties?.['code'] === place } }));
  return { type: 'FeatureCollection', features };
}
