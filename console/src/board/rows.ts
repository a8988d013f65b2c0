/** Rows of a list that is read page by page while news arrives: pure, so that no row is ever lost, doubled or moved. */

export interface Row {
  id: string;
  version: number;
}

export interface Rows<T extends Row> {
  shown: readonly T[];
  /** News that is not shown yet: rows never jump under the pointer. */
  held: readonly T[];
  next: string | null;
}

export const NO_ROWS: Rows<never> = { shown: [], held: [], next: null };

/** Start over with a first page. */
export function started<T extends Row>(items: readonly T[], next: string | null): Rows<T> {
  return { shown: unique(items), held: [], next };
}

/** Append a page; a row that moved between pages while reading is kept once, in its newest version. */
export function appended<T extends Row>(rows: Rows<T>, items: readonly T[], next: string | null): Rows<T> {
  const known = new Set(rows.shown.map((row) => row.id));
  const shown = rows.shown.map((row) => newest(row, items.find((item) => item.id === row.id)));
  return { ...rows, shown: [...shown, ...unique(items.filter((item) => !known.has(item.id)))], next };
}

/** Take one piece of news: a shown row changes in its place, another one waits to be let in when it belongs here. */
export function heard<T extends Row>(rows: Rows<T>, item: T, belongs: boolean): Rows<T> {
  if (rows.shown.some((row) => row.id === item.id)) {
    return { ...rows, shown: rows.shown.map((row) => (row.id === item.id ? newest(row, item) : row)) };
  }
  const others = rows.held.filter((row) => row.id !== item.id);
  return { ...rows, held: belongs ? [...others, item] : others };
}

/** Compare with a first page read again after a gap: changes in place, additions held. */
export function reread<T extends Row>(rows: Rows<T>, items: readonly T[]): Rows<T> {
  return items.reduce((so, item) => heard(so, item, true), rows);
}

function newest<T extends Row>(old: T, item: T | undefined): T {
  return item && item.version >= old.version ? item : old;
}

function unique<T extends Row>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [item.id, item])).values()];
}
