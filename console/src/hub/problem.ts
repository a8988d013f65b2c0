/** What went wrong with a request, in the words of an RFC 9457 problem; `status` 0 means the hub was not reached. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly remedy: string;
  readonly where: string;
  readonly reference: string;

  constructor(status: number, said: Record<string, unknown> = {}) {
    const text = (name: string): string => (typeof said[name] === 'string' ? said[name] : '');
    super(text('title') || text('detail') || `HTTP ${status}`);
    this.status = status;
    this.code = text('code');
    this.detail = text('detail');
    this.remedy = text('remedy');
    this.where = text('where');
    this.reference = text('error_id') || text('instance');
  }

  get unreached(): boolean {
    return this.status === 0;
  }

  get denied(): boolean {
    return this.status === 403;
  }

  get missing(): boolean {
    return this.status === 404;
  }

  /** The subject changed since it was read: its version is no longer the expected one. */
  get overtaken(): boolean {
    return this.status === 409 || this.status === 412;
  }
}

/** Return anything thrown as a Problem, so that every failure can be shown in one way. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof TypeError) return new Problem(0, { detail: thrown.message });
  return new Problem(-1, { detail: thrown instanceof Error ? thrown.message : String(thrown) });
}
