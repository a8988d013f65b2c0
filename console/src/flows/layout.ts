/** Where the elements of a flow stand in its picture: rows from the top, arrows that go back at the side; pure. */
import type { FlowDocument, FlowStep } from '../hub/law.ts';
import type { Said } from '../hub/types.ts';

export type Shape = 'step' | 'machine' | 'gateway' | 'wait' | 'call' | 'start' | 'end';

export interface Box {
  name: string;
  title: Said | null;
  shape: Shape;
  /** Middle, in drawing units. */
  x: number;
  y: number;
}

export interface Line {
  d: string;
  /** A way that is not the usual one: a failed check, a timer. */
  kind: 'main' | 'back' | 'timer';
  when: string | null;
  at: [number, number];
}

export interface Picture {
  boxes: Box[];
  lines: Line[];
  width: number;
  height: number;
}

export const BOX = { width: 136, height: 40 } as const;
const GAP = { x: 18, y: 26 } as const;
const LANE = 13;
const START = '(start)';
const END = '(end)';
const MACHINE = new Set(['service', 'send', 'rule']);

export type Edge = { from: string; to: string; kind: Line['kind']; when: string | null };

/** Return where a step sends the case when it fails: the step that it names, else the one whose doer may not judge it. */
export function backOf(step: FlowStep): string | undefined {
  return step.fails ?? step.unless?.same_person;
}

/** Return the nearest earlier step that dispatches, where a returned case goes; null where a step returns nothing. */
export function returnOf(flow: Pick<FlowDocument, 'steps'>, step: FlowStep, main: readonly Edge[]): string | null {
  if (!step.may?.some(([word]) => word === 'return')) return null;
  const dispatches = new Set(flow.steps.filter((each) => each.to).map((each) => each.name));
  const seen = new Set([step.name]);
  for (const name of seen) {
    if (name !== step.name && dispatches.has(name)) return name;
    for (const edge of main) if (edge.to === name) seen.add(edge.from);
  }
  return null;
}

/** Return the arrows of a flow and its ways that no arrow says: failed checks, returns, timers; without arrows it is a list. */
export function edgesOf(flow: Pick<FlowDocument, 'steps' | 'arrows'>): Edge[] {
  const names = flow.steps.map((step) => step.name);
  const plain = (from: string, to: string): [string, string] => [from, to];
  const arrows: [string, string, string?][] = flow.arrows?.length ? flow.arrows : [plain('', names[0] ?? ''), ...names.map((name, index) => plain(name, names[index + 1] ?? ''))];
  const main = arrows.map(([from, to, when]): Edge => ({ from: from || START, to: to || END, kind: 'main', when: when ?? null }));
  const more = flow.steps.flatMap((step): Edge[] => [
    ...[backOf(step), returnOf(flow, step, main)].flatMap((to): Edge[] => (to ? [{ from: step.name, to, kind: 'back', when: null }] : [])),
    ...(step.boundary ?? []).map((timer): Edge => ({ from: step.name, to: timer.to, kind: 'timer', when: null })),
  ]);
  return [...main, ...more];
}

/** Return the row of each element: one below the lowest of those that lead to it, ways back left aside. */
export function rowsOf(names: readonly string[], edges: readonly Edge[]): Map<string, number> {
  const row = new Map<string, number>();
  const out = new Map<string, string[]>();
  for (const edge of edges) out.set(edge.from, [...(out.get(edge.from) ?? []), edge.to]);
  const path = new Set<string>();
  const back = new Set<string>();
  const seen = new Set<string>();
  const order: string[] = [];
  const visit = (name: string): void => {
    seen.add(name);
    path.add(name);
    for (const to of out.get(name) ?? []) {
      if (path.has(to)) back.add(`${name}>${to}`);
      else if (!seen.has(to)) visit(to);
    }
    path.delete(name);
    order.unshift(name);
  };
  for (const name of names) if (!seen.has(name)) visit(name);
  for (const name of order) {
    const here = row.get(name) ?? 0;
    row.set(name, here);
    for (const to of out.get(name) ?? []) if (!back.has(`${name}>${to}`)) row.set(to, Math.max(row.get(to) ?? 0, here + 1));
  }
  return row;
}

function shapesOf(flow: FlowDocument): Map<string, { title: Said | null; shape: Shape }> {
  const found = new Map<string, { title: Said | null; shape: Shape }>([[START, { title: null, shape: 'start' }]]);
  for (const step of flow.steps) found.set(step.name, { title: step.title, shape: MACHINE.has(step.kind ?? 'user') ? 'machine' : 'step' });
  for (const node of flow.nodes ?? []) found.set(node.name, { title: node.title, shape: node.gateway ? 'gateway' : node.call ? 'call' : 'wait' });
  return found.set(END, { title: null, shape: 'end' });
}

/** Return the picture of a flow. */
export function pictureOf(flow: FlowDocument): Picture {
  const shapes = shapesOf(flow);
  const edges = edgesOf(flow).filter((edge) => shapes.has(edge.from) && shapes.has(edge.to));
  const rows = rowsOf([...shapes.keys()], edges);
  const byRow = new Map<number, string[]>();
  for (const name of shapes.keys()) byRow.set(rows.get(name) ?? 0, [...(byRow.get(rows.get(name) ?? 0) ?? []), name]);
  const widest = Math.max(...[...byRow.values()].map((names) => names.length));
  const lanes = { left: 0, right: 0 };
  const skips = (edge: Edge): boolean => (rows.get(edge.to) ?? 0) - (rows.get(edge.from) ?? 0) > 1;
  const returns = (edge: Edge): boolean => (rows.get(edge.to) ?? 0) <= (rows.get(edge.from) ?? 0);
  const room = { left: edges.filter(returns).length * LANE, right: edges.filter(skips).length * LANE };
  const inner = widest * (BOX.width + GAP.x) - GAP.x;
  settled(byRow, edges);
  const boxes: Box[] = [...byRow].flatMap(([row, names]) =>
    names.map((name, index) => {
      const x = GAP.x + room.left + inner / 2 + (index - (names.length - 1) / 2) * (BOX.width + GAP.x);
      return { name, ...shapes.get(name)!, x, y: GAP.y + row * (BOX.height + GAP.y) };
    }),
  );
  const at = new Map(boxes.map((box) => [box.name, box]));
  const lines = edges.map((edge): Line => {
    const [from, to] = [at.get(edge.from)!, at.get(edge.to)!];
    const kind = edge.kind === 'main' && returns(edge) ? 'back' : edge.kind;
    if (!returns(edge) && !skips(edge)) return { ...straight(from, to), kind, when: edge.when };
    const left = returns(edge);
    const lane = left ? GAP.x / 2 + room.left - LANE * lanes.left++ : GAP.x * 1.5 + room.left + inner + LANE * lanes.right++;
    return { ...around(from, to, lane), kind, when: edge.when };
  });
  const bottom = Math.max(...boxes.map((box) => box.y));
  return { boxes, lines, width: inner + room.left + room.right + 2.5 * GAP.x, height: bottom + BOX.height / 2 + GAP.y };
}

/** Put the elements of each row in the order of those that lead to them, so that fewer arrows cross. */
function settled(byRow: Map<number, string[]>, edges: readonly Edge[]): void {
  const place = new Map<string, number>();
  for (const row of [...byRow.keys()].toSorted((a, b) => a - b)) {
    const names = byRow.get(row) ?? [];
    const wanted = (name: string): number => {
      const before = edges.filter((edge) => edge.to === name && place.has(edge.from)).map((edge) => place.get(edge.from) ?? 0);
      return before.length > 0 ? before.reduce((sum, at) => sum + at, 0) / before.length : 0;
    };
    const ordered = names.toSorted((a, b) => wanted(a) - wanted(b));
    byRow.set(row, ordered);
    ordered.forEach((name, index) => place.set(name, index - (ordered.length - 1) / 2));
  }
}

/** Half the height and width that a shape takes. */
function half(box: Box): [number, number] {
  if (box.shape === 'start' || box.shape === 'end') return [9, 9];
  return [BOX.height / 2, BOX.width / 2];
}

function straight(from: Box, to: Box): Pick<Line, 'd' | 'at'> {
  const [y1, y2] = [from.y + half(from)[0], to.y - half(to)[0]];
  const middle = (y1 + y2) / 2;
  return { d: `M${from.x} ${y1}C${from.x} ${middle} ${to.x} ${middle} ${to.x} ${y2}`, at: [(from.x + to.x) / 2, middle] };
}

function around(from: Box, to: Box, lane: number): Pick<Line, 'd' | 'at'> {
  const side = lane < from.x ? -1 : 1;
  const [x1, x2] = [from.x + side * half(from)[1], to.x + side * half(to)[1]];
  const [y1, y2] = [from.y + 7, to.y - 7];
  return { d: `M${x1} ${y1}H${lane}V${y2}H${x2}`, at: [lane, (y1 + y2) / 2] };
}

/** Break a title into at most two lines of so many columns; a Chinese character takes two. */
export function brokenText(text: string, columns = 22): string[] {
  const width = (part: string): number => [...part].reduce((sum, letter) => sum + (letter.charCodeAt(0) > 0x2e7f ? 2 : 1), 0);
  const pieces = text.match(/[\u2e80-\uffff]|[^\s\u2e80-\uffff]+\s*/g) ?? [];
  const lines = [''];
  for (const piece of pieces) {
    const last = lines.at(-1) ?? '';
    if (last && width(last + piece.trimEnd()) > columns) lines.push(piece);
    else lines[lines.length - 1] = last + piece;
  }
  const kept = lines.slice(0, 2).map((line) => line.trim());
  return lines.length > 2 ? [kept[0] ?? '', `${(kept[1] ?? '').slice(0, -1)}…`] : kept;
}
