/** Names of staff, as answers carry them beside ids. */
export type Names = Record<string, string>;

/** Return the name of who acted; who has none is shown by id without its family: `person:li` → `li`. */
export function staffName(names: Names | undefined, id: string | null | undefined): string {
  return id ? (names?.[id] ?? id.replace(/^person:/, '')) : '';
}
