/** The city, its clock and who looks at it: asked once, then kept true by the stream. */
import { coded, said } from '../i18n/words.svelte.ts';
import { api, rowsOf } from './api.ts';
import { live } from './live.svelte.ts';
import { problemOf, type Problem } from './problem.ts';
import type { City, EntityType, Flow, Me } from './types.ts';

class CityState {
  facts = $state.raw<City | null>(null);
  me = $state.raw<Me | null>(null);
  problem = $state.raw<Problem | null>(null);
  districts = $state.raw<GeoJSON.FeatureCollection | null>(null);
  types = $state.raw<EntityType[]>([]);
  flows = $state.raw<Flow[]>([]);
  /** City time in milliseconds, moved every second at the city's speed. */
  now = $state(Date.now());
  speed = $state(1);
  /** Machine time in milliseconds. */
  machine = $state(Date.now());

  #told = { city: Date.now(), machine: Date.now() };

  get zone(): string {
    return this.facts?.zone ?? 'Asia/Shanghai';
  }

  get simulated(): boolean {
    return this.facts?.simulated ?? false;
  }

  async load(): Promise<void> {
    try {
      const [me, facts] = await Promise.all([api.me(), api.city()]);
      this.me = me;
      this.facts = facts;
      this.problem = null;
      this.#set(facts.now, facts.speed);
      void this.#rest();
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }

  /** What pages draw but do not wait for. */
  async #rest(): Promise<void> {
    const [districts, types, flows] = await Promise.allSettled([api.districts(), api.types(), api.flows()]);
    if (districts.status === 'fulfilled') this.districts = districts.value;
    if (types.status === 'fulfilled') this.types = rowsOf(types.value);
    if (flows.status === 'fulfilled') this.flows = rowsOf(flows.value);
  }

  start(): void {
    live.on('clock', (clock) => this.#set(clock.now, clock.speed));
    setInterval(() => this.#tick(), 1000);
  }

  #set(now: string, speed: number): void {
    this.#told = { city: Date.parse(now), machine: Date.now() };
    this.speed = speed;
    this.#tick();
  }

  #tick(): void {
    this.machine = Date.now();
    this.now = this.#told.city + (this.machine - this.#told.machine) * this.speed;
  }
}

export const city = new CityState();

export function districtName(code: string | null | undefined): string {
  const found = city.facts?.districts.find((district) => district.code === code);
  return found ? said(found.name) : (code ?? '');
}

export function unitName(id: string | null | undefined): string {
  const found = city.facts?.units.find((unit) => unit.id === id);
  return found ? said(found.name) : (id ?? '');
}

/** Return the title of a role of people; a word of the console for one that a flow fills from case to case. */
export function roleName(id: string | null | undefined): string {
  const found = city.facts?.roles.find((role) => role.id === id);
  return found ? said(found.title) : coded('role', id);
}

/** Return the title that any type declares for an attribute. */
export function attributeTitle(name: string | null | undefined): string {
  const found = city.types.flatMap((type) => type.attributes).find((attribute) => attribute.name === name);
  return found ? said(found.title) : (name ?? '');
}

/** Whether a permission pattern of the actor covers what is named; used to hide, never to protect. */
export function may(what: string): boolean {
  const patterns = city.me?.may ?? [];
  return patterns.some((pattern) => pattern === '*' || pattern === what || (pattern.endsWith('*') && what.startsWith(pattern.slice(0, -1))));
}

/** Whether the actor may see how the hub itself does. */
export function operates(): boolean {
  return may('view:health') || may('view:subscriptions');
}
