/** Server-sent events over fetch: unlike EventSource it can resume after any failure with the last id it saw. */

export interface Told {
  id: string;
  event: string;
  data: string;
}

/** Splits a text stream into events (WHATWG HTML, "event stream interpretation"). */
export class EventParser {
  #rest = '';
  #event = '';
  #data: string[] = [];
  lastId = '';

  /** Return the events that this piece of text completes. */
  feed(piece: string): Told[] {
    const told: Told[] = [];
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') this.#field(line);
      else if (this.#data.length > 0) told.push(this.#dispatch());
      else this.#event = '';
    }
    return told;
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#event = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.lastId = value;
  }

  #dispatch(): Told {
    const told = { id: this.lastId, event: this.#event || 'message', data: this.#data.join('\n') };
    this.#event = '';
    this.#data = [];
    return told;
  }
}

export type Link = 'connecting' | 'live' | 'lost' | 'denied';

const SILENCE_MS = 15_000;
const PAUSES_MS = [250, 1000, 2500, 4500];

/** How long to wait before the n-th try in a row; never past five seconds. */
export function pauseBefore(tries: number): number {
  return PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)] ?? 4500;
}

/** Keeps one stream open until `stop`; the clock event every five seconds proves that it is alive. */
export class Stream {
  #address: string;
  #tell: (told: Told) => void;
  #linked: (link: Link) => void;
  #abort: AbortController | null = null;
  #stopped = false;
  #lastId = '';
  #tries = 0;
  #wasLive = false;

  constructor(address: string, tell: (told: Told) => void, linked: (link: Link) => void) {
    this.#address = address;
    this.#tell = tell;
    this.#linked = linked;
    void this.#keep();
  }

  stop(): void {
    this.#stopped = true;
    this.#abort?.abort();
  }

  async #keep(): Promise<void> {
    while (!this.#stopped) {
      this.#linked('connecting');
      const link = await this.#once().catch(() => 'lost' as const);
      if (this.#stopped) return;
      this.#linked(link);
      await new Promise((resolve) => setTimeout(resolve, pauseBefore(this.#tries++)));
    }
  }

  async #once(): Promise<Link> {
    const abort = (this.#abort = new AbortController());
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (this.#lastId) headers['Last-Event-ID'] = this.#lastId;
    let watch = setTimeout(() => abort.abort(), SILENCE_MS);
    try {
      const response = await fetch(this.#address, { headers, signal: abort.signal, cache: 'no-store' });
      if (response.status === 401 || response.status === 403) return 'denied';
      if (!response.ok || !response.body) return 'lost';
      this.#linked('live');
      // Without an id there is nothing to resume from: whatever was missed must be asked for.
      if (this.#wasLive && !this.#lastId) this.#tell({ id: '', event: 'reset', data: 'null' });
      this.#wasLive = true;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      parser.lastId = this.#lastId;
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return 'lost';
        this.#tries = 0;
        clearTimeout(watch);
        watch = setTimeout(() => abort.abort(), SILENCE_MS);
        for (const told of parser.feed(value)) this.#tell(told);
        this.#lastId = parser.lastId;
      }
    } finally {
      clearTimeout(watch);
    }
  }
}
