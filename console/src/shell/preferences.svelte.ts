/** What this browser keeps for its user: theme and whether single-letter keys work. */
export type Theme = 'auto' | 'light' | 'dark';

const dark = matchMedia('(prefers-color-scheme: dark)');

class Preferences {
  theme = $state<Theme>((localStorage.getItem('quanyu.theme') as Theme | null) ?? 'auto');
  letters = $state(localStorage.getItem('quanyu.letters') !== 'off');
  /** Counts theme changes: whatever is painted on a canvas reads it and paints again. */
  painted = $state(0);

  start(): void {
    dark.addEventListener('change', () => this.#paint());
    this.#paint();
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    localStorage.setItem('quanyu.theme', theme);
    this.#paint();
  }

  setLetters(on: boolean): void {
    this.letters = on;
    localStorage.setItem('quanyu.letters', on ? 'on' : 'off');
  }

  #paint(): void {
    const shown = this.theme === 'auto' ? (dark.matches ? 'dark' : 'light') : this.theme;
    document.documentElement.dataset['theme'] = shown;
    this.painted++;
  }
}

export const preferences = new Preferences();
