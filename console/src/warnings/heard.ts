/** How a terminal looks by what was heard of it: shape and tone, beside its word. */
import type { Mark } from '../marks/marks.ts';

export type Heard = 'acknowledged' | 'reached' | 'silent' | 'failed';

export const HEARD_MARK: Record<Heard, Mark> = {
  acknowledged: { shape: 'square', tone: 'good' },
  reached: { shape: 'ring', tone: 'good' },
  silent: { shape: 'diamond', tone: 'warn' },
  failed: { shape: 'triangle', tone: 'out' },
};
