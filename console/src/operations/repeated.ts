/** Asks again and again while the page is looked at: what stands here has no stream of its own. */
const EVERY_MS = 5000;

/** Run now, every few seconds, and when the page is shown again; return what ends it. */
export function repeated(run: () => void): () => void {
  const seen = (): void => {
    if (document.visibilityState === 'visible') run();
  };
  run();
  const timer = setInterval(seen, EVERY_MS);
  document.addEventListener('visibilitychange', seen);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', seen);
  };
}
