/** How levels look: the graver, the stronger the shape; an incident that has ended is quiet. */
import type { Mark } from '../marks/marks.ts';

const MARKS: Record<number, Mark> = {
  1: { shape: 'triangle', tone: 'out' },
  2: { shape: 'square', tone: 'out' },
  3: { shape: 'diamond', tone: 'warn' },
  4: { shape: 'ring', tone: 'warn' },
};

/** Return the mark of an incident's level; a question where none is in force yet. */
export function levelMark(of: { level: number | null; state: string }): Mark {
  const mark = MARKS[of.level ?? 0] ?? { shape: 'question', tone: 'warn' };
  return of.state === 'closed' ? { ...mark, tone: 'quiet' } : mark;
}
