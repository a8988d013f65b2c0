/** What of a thing can be followed until it is back: its attributes that are numbers. */
import type { Attribute, Entity } from '../hub/types.ts';

export interface Measurable {
  name: string;
  value: number;
}

/** Return the numeric attributes of an entity, by name; positions and words are left out. */
export function measuresOf(entity: Entity): Measurable[] {
  return Object.entries(entity)
    .flatMap(([name, attribute]) => {
      const value = (attribute as Attribute | null)?.value;
      return typeof value === 'number' ? [{ name, value }] : [];
    })
    .sort((a, b) => a.name.localeCompare(b.name));
}
