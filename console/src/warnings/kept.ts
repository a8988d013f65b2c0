/** What was typed into a warning and not yet saved: kept in this tab, so that a page left by mistake loses nothing. */
const PREFIX = 'quanyu.warning.';

/** Return what was kept under a name; null when there is nothing, or nothing that can be read. */
export function kept<T>(name: string): T | null {
  try {
    const text = sessionStorage.getItem(PREFIX + name);
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

/** Keep a text under a name; a browser that keeps nothing is no fault of the draft. */
export function keep(name: string, text: string): void {
  try {
    sessionStorage.setItem(PREFIX + name, text);
  } catch {
    return;
  }
}

export function letGo(name: string): void {
  try {
    sessionStorage.removeItem(PREFIX + name);
  } catch {
    return;
  }
}
