import { parseXML } from '@aws-sdk/xml-builder';
import type { Member, ServiceModel, Shape } from './models';

/** A body violates its protocol. The message is a sentence. */
export class Unreadable extends Error {}

const shapeOf = (model: ServiceModel, { shape: name }: Member): Shape => {
  const shape = model.shapes[name];
  if (!shape) throw new Error(`the model of ${model.metadata.serviceId} has no ${name}`);
  return shape;
};

/** No model's input is nested deeper; longer names are ignored. */
const MAX_DEPTH = 40;

/** A form's parameters as a tree, by the parts of their names: `Tags.member.1.Key`. */
class Parts {
  text: string | undefined;
  readonly below = new Map<string, Parts>();

  set([step, ...rest]: readonly string[], value: string): void {
    if (step === undefined) {
      this.text = value;
      return;
    }
    const next = this.below.get(step) ?? new Parts();
    this.below.set(step, next);
    next.set(rest, value);
  }

  at(name: string): Parts | undefined {
    return this.below.get(name);
  }
}

/** The input in a form of the AWS query protocol; all values are strings. */
export function fromForm(model: ServiceModel, shape: string, form: URLSearchParams): unknown {
  const parts = new Parts();
  for (const [name, value] of form) parts.set(name.split('.').slice(0, MAX_DEPTH), value);
  return read({ shape }, parts);

  function read(member: Member, part: Parts): unknown {
    const found = shapeOf(model, member);
    switch (found.type) {
      case 'structure': {
        const fields: Record<string, unknown> = {};
        for (const [name, of] of Object.entries(found.members ?? {})) {
          const child = part.at(of.locationName ?? name);
          if (child) fields[name] = read(of, child);
        }
        return fields;
      }
      case 'list': {
        const of = found.member;
        if (!of) return [];
        const isFlat = member.flattened ?? found.flattened ?? false;
        const items = isFlat ? part : part.at(of.locationName ?? 'member');
        // An empty list is sent as an empty string.
        return numbered(items).map((item) => read(of, item));
      }
      case 'map': {
        const { key = { shape: '' }, value = { shape: '' } } = found;
        const isFlat = member.flattened ?? found.flattened ?? false;
        const entries = numbered(isFlat ? part : part.at('entry')).map((entry) => {
          const name = entry.at(key.locationName ?? 'key')?.text ?? '';
          const child = entry.at(value.locationName ?? 'value');
          return [name, child ? read(value, child) : undefined] as const;
        });
        return Object.fromEntries(entries);
      }
      default:
        return part.text;
    }
  }
}

const numbered = (part: Parts | undefined): Parts[] =>
  [...(part?.below ?? [])]
    .filter(([name]) => /^\d{1,9}$/.test(name))
    .sort(([one], [other]) => Number(one) - Number(other))
    .map(([, item]) => item);

/** The structure in an XML body; all values are strings. Throws Unreadable when the body is not XML. */
export function fromXml(model: ServiceModel, member: Member, body: Buffer): unknown {
  let root: unknown;
  try {
    [root] = Object.values(fieldsOf(parseXML(body.toString('utf8'))));
  } catch (error) {
    throw new Unreadable('The body is not well-formed XML', { cause: error });
  }
  if (root === undefined) throw new Unreadable('The body is not XML');
  return read(member, root);

  function read(of: Member, value: unknown): unknown {
    const found = shapeOf(model, of);
    switch (found.type) {
      case 'structure': {
        const elements = fieldsOf(value);
        const fields: Record<string, unknown> = {};
        const known = new Set<string>();
        for (const [name, part] of Object.entries(found.members ?? {})) {
          const element = part.locationName ?? name;
          known.add(element);
          if (Object.hasOwn(elements, element)) fields[name] = read(part, elements[element]);
        }
        for (const [element, unknown] of Object.entries(elements)) {
          // The parser returns attributes, and the text between elements, like elements.
          if (!known.has(element) && !/^(xmlns(:|$)|xsi:|#)/.test(element))
            fields[element] = unknown;
        }
        return fields;
      }
      case 'list': {
        const item = found.member;
        if (!item) return [];
        const isFlat = of.flattened ?? found.flattened ?? false;
        const items = isFlat ? value : fieldsOf(value)[item.locationName ?? 'member'];
        return items === undefined ? [] : [items].flat().map((one) => read(item, one));
      }
      case 'map': {
        const { key = { shape: '' }, value: content = { shape: '' } } = found;
        const entries = [fieldsOf(value)['entry'] ?? []].flat().map((entry) => {
          const fields = fieldsOf(entry);
          const name = fields[key.locationName ?? 'key'];
          return [
            String(name ?? ''),
            read(content, fields[content.locationName ?? 'value']),
          ] as const;
        });
        return Object.fromEntries(entries);
      }
      default:
        return typeof value === 'object' ? (fieldsOf(value)['#text'] ?? value) : value;
    }
  }
}

/** The parser returns an empty string for an element without content. */
const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
