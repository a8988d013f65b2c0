/** An entity's attributes as rows that a person can read. */
import type { Attribute, Entity, EntityType, Said } from '../hub/types.ts';

export interface AttributeRow {
  name: string;
  title: Said;
  value: unknown;
  object: string | null;
  unit: string;
  observedAt: string | null;
  provenance: string | null;
}

const STRUCTURE = new Set(['id', 'type', 'scope', '@context', 'location']);

/** Return the attributes in the order that the type declares, undeclared ones after them. */
export function attributeRows(entity: Entity, type: EntityType | undefined): AttributeRow[] {
  const declared = new Map(type?.attributes.map((attribute, index) => [attribute.name, { ...attribute, index }]));
  const names = Object.keys(entity).filter((name) => !STRUCTURE.has(name));
  names.sort((a, b) => (declared.get(a)?.index ?? 1e6) - (declared.get(b)?.index ?? 1e6));
  return names.map((name) => {
    const attribute = first(entity[name]);
    const known = declared.get(name);
    return {
      name,
      title: known?.title ?? { zh: name, en: name },
      value: attribute.value ?? null,
      object: attribute.object ?? null,
      unit: known?.unit_symbol ?? attribute.unitCode ?? '',
      observedAt: attribute.observedAt ?? null,
      provenance: attribute.provenance?.value ?? null,
    };
  });
}

/** The attribute itself, or the first of several data sets of it. */
function first(held: unknown): Attribute {
  const one: unknown = Array.isArray(held) ? held[0] : held;
  return typeof one === 'object' && one !== null ? (one as Attribute) : { type: 'Property', value: one };
}

/** Return what people call the entity: its name, else the end of its id. */
export function nameOf(entity: Entity, said: (text: Said | string) => string): string {
  const name = first(entity['name'] ?? entity['title']).value;
  if (typeof name === 'string' && name) return name;
  if (typeof name === 'object' && name !== null) return said(name as Said);
  return entity.id.split(':').slice(3).join(':') || entity.id;
}

/** Return the first word of a provenance: `simulated:green/air` → `simulated`. */
export function provenanceWord(provenance: string): string {
  return provenance.split(':')[0] ?? provenance;
}
