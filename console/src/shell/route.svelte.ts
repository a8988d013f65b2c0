/** Where the page is: a reactive address, changed through the browser's history. */
import { city } from '../hub/city.svelte.ts';
import { linkTo, pageOf, spanOf, withParameters, type Parameters } from './address.ts';

class Route {
  url = $state.raw(new URL(location.href));
  at = $derived(pageOf(this.url.pathname));
  search = $derived(this.url.searchParams);
  place = $derived(this.search.get('place'));
  open = $derived(this.search.get('open'));
  /** What the page shows, for the title of the window. */
  title = $state('');
  wall = $derived(this.search.get('wall') === '1');

  start(): void {
    addEventListener('popstate', () => (this.url = new URL(location.href)));
    document.addEventListener('click', (event) => this.#clicked(event));
  }

  /** Go to a path of this console, or replace the present one. */
  go(href: string, replace = false): void {
    const url = new URL(href, location.href);
    if (url.href === this.url.href) return;
    const pageChanges = url.pathname !== this.url.pathname;
    if (pageChanges) window.__ready = false;
    history[replace ? 'replaceState' : 'pushState'](null, '', url);
    this.url = url;
    if (pageChanges) scrollTo(0, 0);
  }

  /** Change parameters of the present view; views are replaced, so that "back" leaves the page. */
  set(change: Parameters, push = false): void {
    this.go(withParameters(this.url.pathname, this.search, change), !push);
  }

  /** Return a link to a page that keeps place, time range and language. */
  link(path: string, extra?: Parameters): string {
    return linkTo(path, this.search, extra);
  }

  /** Return a link that opens the drawer on a subject without leaving the view. */
  drawer(subject: string): string {
    return withParameters(this.url.pathname, this.search, { open: subject });
  }

  #clicked(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const anchor = (event.target as Element | null)?.closest?.('a[href]');
    if (!(anchor instanceof HTMLAnchorElement) || anchor.target || anchor.hasAttribute('download')) return;
    if (anchor.origin !== location.origin || pageOf(anchor.pathname).page === 'lost') return;
    if (anchor.hash && anchor.pathname === location.pathname && anchor.search === location.search) return;
    event.preventDefault();
    this.go(anchor.href);
  }
}

export const route = new Route();

/** Return the time range of the view; it moves with the city's clock, minute by minute. */
export function rangeNow(): ReturnType<typeof spanOf> {
  return spanOf(route.search, Math.floor(city.now / 60_000) * 60_000);
}

/** Name the page in the title of the window. */
export function titled(title: string): void {
  route.title = title;
}

declare global {
  interface Window {
    /** True once the present page has drawn its first data (browser tests wait for it). */
    __ready: boolean;
  }
}

/** Say that the page has drawn its first data. */
export function drawn(): void {
  requestAnimationFrame(() => (window.__ready = true));
}
