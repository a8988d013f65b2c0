/** Colours for what is painted rather than styled: map, charts and canvases read the same properties as the style sheets. */
export interface Tokens {
  ground: string;
  panel: string;
  ink: string;
  muted: string;
  line: string;
  edge: string;
  accent: string;
  good: string;
  warn: string;
  out: string;
  land: string;
  water: string;
  band: string;
  ramp: string[];
  sans: string;
}

export function tokens(): Tokens {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ground: read('ground'),
    panel: read('panel'),
    ink: read('ink'),
    muted: read('muted'),
    line: read('line'),
    edge: read('edge'),
    accent: read('accent'),
    good: read('good'),
    warn: read('warn'),
    out: read('out'),
    land: read('land'),
    water: read('water'),
    band: read('band'),
    ramp: [0, 1, 2, 3, 4, 5].map((step) => read(`ramp-${step}`)),
    sans: read('sans'),
  };
}
