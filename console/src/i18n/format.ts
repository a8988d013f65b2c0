/** Numbers, instants and spans of time in the words of a language; pure, so that tests can pin them. */

const LOCALE = { zh: 'zh-CN', en: 'en-GB' } as const;
type Language = keyof typeof LOCALE;

const made = new Map<string, unknown>();

function once<T>(key: string, make: () => T): T {
  if (!made.has(key)) made.set(key, make());
  return made.get(key) as T;
}

/** Return a number with a fixed count of decimals, or with up to two when none is said. */
export function numberText(value: number, language: Language, digits?: number): string {
  const options = digits === undefined ? { maximumFractionDigits: 2 } : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return once(`n ${language} ${digits}`, () => new Intl.NumberFormat(LOCALE[language], options)).format(value);
}

/** Return a share of one as a percentage. */
export function shareText(value: number, language: Language): string {
  return once(`p ${language}`, () => new Intl.NumberFormat(LOCALE[language], { style: 'percent' })).format(value);
}

/** Year-month-day in the zone, the way forms and addresses write it. */
export function dayText(ms: number, zone: string): string {
  return once(`d ${zone}`, () => new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' })).format(ms);
}

/** Hours and minutes in the zone. */
export function clockText(ms: number, zone: string): string {
  return once(`c ${zone}`, () => new Intl.DateTimeFormat('sv-SE', { timeZone: zone, timeStyle: 'short' })).format(ms);
}

/** Day and minute in the zone, unambiguous in both languages: `2026-03-02 08:15`. */
export function instantText(ms: number, zone: string): string {
  return `${dayText(ms, zone)} ${clockText(ms, zone)}`;
}

const UNITS: [Intl.RelativeTimeFormatUnit & string, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

function unitText(value: number, unit: string, language: Language): string {
  const key = `u ${language} ${unit}`;
  const make = () => new Intl.NumberFormat(LOCALE[language], { style: 'unit', unit, unitDisplay: 'short' });
  return once(key, make).format(value);
}

/** Return a span as its two largest units: "2 days 3 hr", "45 min"; below a minute the seconds. */
export function spanText(seconds: number, language: Language): string {
  const whole = Math.abs(seconds);
  const first = UNITS.findIndex(([, size]) => whole >= size);
  if (first < 0) return unitText(Math.floor(whole), 'second', language);
  const parts: string[] = [];
  let rest = whole;
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(unitText(count, unit, language));
    rest -= count * size;
  }
  return parts.join(' ');
}

/** Return how long ago something was: "3 min ago"; under a minute it is "now". */
export function agoText(seconds: number, language: Language): string {
  const make = () => new Intl.RelativeTimeFormat(LOCALE[language], { numeric: 'auto', style: 'short' });
  const relative = once(`r ${language}`, make);
  if (seconds < 60) return relative.format(0, 'second');
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ['minute', 60];
  return relative.format(-Math.floor(seconds / size), unit as Intl.RelativeTimeFormatUnit);
}

/** Put values into `{name}` places; with `one|many` the first is taken when `n` is 1. */
export function filled(text: string, values: Record<string, string | number> = {}): string {
  const [one, many] = text.split('|');
  const chosen = many === undefined || values['n'] === 1 ? (one ?? '') : many;
  return chosen.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}
