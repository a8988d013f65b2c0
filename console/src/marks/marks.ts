/** How a state looks: a shape and a tone, always beside its word. Colour alone says nothing here. */
import type { CaseClock, IndicatorState, Severity } from '../hub/types.ts';

export type Tone = 'quiet' | 'good' | 'warn' | 'out';
export type Shape = 'ring' | 'diamond' | 'triangle' | 'square' | 'dash' | 'bars' | 'question' | 'tick';

export interface Mark {
  shape: Shape;
  tone: Tone;
}

export const INDICATOR_MARK: Record<IndicatorState, Mark> = {
  normal: { shape: 'ring', tone: 'quiet' },
  warn: { shape: 'diamond', tone: 'warn' },
  out: { shape: 'triangle', tone: 'out' },
  none: { shape: 'dash', tone: 'quiet' },
};

export const STALE_MARK: Mark = { shape: 'question', tone: 'warn' };

export const CLOCK_MARK: Record<CaseClock, Mark> = {
  green: { shape: 'ring', tone: 'quiet' },
  amber: { shape: 'diamond', tone: 'warn' },
  red: { shape: 'diamond', tone: 'out' },
  overdue: { shape: 'triangle', tone: 'out' },
  unknown: { shape: 'question', tone: 'warn' },
  stopped: { shape: 'tick', tone: 'quiet' },
  paused: { shape: 'bars', tone: 'quiet' },
};

export const SEVERITY_MARK: Record<Severity, Mark> = {
  info: { shape: 'ring', tone: 'quiet' },
  yellow: { shape: 'diamond', tone: 'warn' },
  orange: { shape: 'square', tone: 'warn' },
  red: { shape: 'triangle', tone: 'out' },
};

/** Outlines on a 12 × 12 grid; filled ones are alarms. */
export const SHAPES: Record<Shape, { d: string; filled: boolean }> = {
  ring: { d: 'M6 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8', filled: false },
  diamond: { d: 'M6 1l5 5-5 5-5-5z', filled: true },
  triangle: { d: 'M6 1l5.5 10H.5z', filled: true },
  square: { d: 'M2 2h8v8H2z', filled: true },
  dash: { d: 'M2 6h8', filled: false },
  bars: { d: 'M4 2v8M8 2v8', filled: false },
  question: { d: 'M4 4.200a2 2 0 1 1 2.8 1.900c-.6.3-.8.6-.8 1.400M6 9.800v.2', filled: false },
  tick: { d: 'M2 6.500l2.8 2.800L10 3.5', filled: false },
};
