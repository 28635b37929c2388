import type { Member, ServiceModel, Shape } from './models';
import { matches } from './patterns';

/**
 * The form of an input's values: JSON; CBOR; text, from a URL, a header, a form or XML; or the JavaScript values that
 * an SDK's caller passes.
 */
export type Form = 'json' | 'cbor' | 'text' | 'sdk';

/** One error of an input's member. */
export interface Violation {
  /** Path in AWS's spelling: `records.1.member.partitionKey`, `inputDataConfig`. */
  readonly path: string;
  /** AWS's message: `Member must have length less than or equal to 63`. */
  readonly constraint: string;
  /** The actual value, if it helps and is not secret: `its length is 70`. */
  readonly found?: string;
  /** The value's type is wrong: the call cannot be parsed, which is another error than an invalid value. */
  readonly isUnreadable?: boolean;
}

/** AWS lists all violations. A list of 500 invalid records would only hide the kinds of errors. */
const MAX_VIOLATIONS = 20;
/** Limit for enumerations in messages: those of instance types have hundreds of values. */
const MAX_NAMED_VALUES = 40;

/** All violations of an input against its model; empty when it is valid. */
export function violations(
  model: ServiceModel,
  shape: string,
  input: unknown,
  form: Form,
): Violation[] {
  const walk = new Walk(model, form);
  walk.visit({ shape }, input, []);
  return walk.found;
}

class Walk {
  readonly found: Violation[] = [];

  constructor(
    private readonly model: ServiceModel,
    private readonly form: Form,
  ) {}

  visit(member: Member, value: unknown, path: readonly string[]): void {
    if (this.found.length >= MAX_VIOLATIONS) return;
    const shape = this.shapeOf(member);
    if (shape.document || shape.eventstream || member.jsonvalue || member.streaming) return;
    if (member.location !== undefined && this.form === 'json') {
      // Values in the URL and the headers are text, also when the body is JSON.
      const walk = new Walk(this.model, 'text');
      walk.visit(member, value, path);
      this.found.push(...walk.found);
      return;
    }
    switch (shape.type) {
      case 'structure':
        this.structure(shape, value, path);
        return;
      case 'list':
        this.list(shape, value, path);
        return;
      case 'map':
        this.map(shape, value, path);
        return;
      default:
        for (const violation of this.scalar(shape, member, value))
          this.add(path, violation.constraint, violation.found, violation.isUnreadable);
    }
  }

  private shapeOf({ shape: name }: Member): Shape {
    const shape = this.model.shapes[name];
    if (!shape) throw new Error(`the model of ${this.model.metadata.serviceId} has no ${name}`);
    return shape;
  }

  private structure(shape: Shape, value: unknown, path: readonly string[]): void {
    const fields = fieldsOf(value);
    if (!fields) return this.unreadable(path, 'a structure', value);
    const members = shape.members ?? {};
    for (const [name, content] of Object.entries(fields)) {
      if (isAbsent(content)) continue;
      const member = Object.hasOwn(members, name) ? members[name] : undefined;
      if (member) this.visit(member, content, [...path, name]);
      // A JSON body may name its own shape in `__type`.
      else if (name !== '__type')
        this.add([...path, name], 'Member must be one of the operation', 'AWS would not see it');
    }
    for (const name of shape.required ?? []) {
      const member = members[name];
      if (!isAbsent(fields[name])) continue;
      if (this.form === 'sdk' && member?.idempotencyToken) continue;
      this.add([...path, name], 'Member must not be null');
    }
    if (shape.union) {
      const count = Object.values(fields).filter((one) => !isAbsent(one)).length;
      if (count !== 1)
        this.add(path, 'Member must have exactly one of its members set', `it has ${count}`);
    }
  }

  private list(shape: Shape, value: unknown, path: readonly string[]): void {
    if (!Array.isArray(value)) return this.unreadable(path, 'a list', value);
    this.bounds(shape, value.length, path, 'length');
    const { member } = shape;
    if (!member) return;
    const isPlain = !['structure', 'list', 'map'].includes(this.shapeOf(member).type);
    value.forEach((item: unknown, index) => {
      if (isAbsent(item)) {
        this.add(path, 'Member must not be null', `item ${index + 1} is`);
      } else if (isPlain) {
        // For strings and numbers in a list, AWS names the list and not the item.
        for (const { constraint, found, isUnreadable } of this.scalar(
          this.shapeOf(member),
          member,
          item,
        ))
          this.add(path, constraint, `item ${index + 1}: ${found ?? 'it does not'}`, isUnreadable);
      } else {
        this.visit(member, item, [...path, String(index + 1), 'member']);
      }
    });
  }

  private map(shape: Shape, value: unknown, path: readonly string[]): void {
    const fields = fieldsOf(value);
    if (!fields) return this.unreadable(path, 'a map', value);
    const entries = Object.entries(fields);
    this.bounds(shape, entries.length, path, 'length');
    const { key, value: of } = shape;
    if (!key || !of) return;
    for (const [name, content] of entries) {
      for (const { constraint, found } of this.text(this.shapeOf(key), name))
        this.add(path, `Map keys must satisfy constraint: [${constraint}]`, found);
      if (isAbsent(content)) continue;
      this.visit(of, content, [...path, name, 'member']);
    }
  }

  private scalar(shape: Shape, member: Member, value: unknown): Found[] {
    switch (shape.type) {
      case 'string':
      case 'character':
        return typeof value === 'string' ? this.text(shape, value) : [wrongType('a text', value)];
      case 'boolean':
        return this.isBoolean(value) ? [] : [wrongType('true or false', value)];
      case 'blob':
        return this.blob(shape, value);
      case 'timestamp':
        return this.isTime(shape, member, value) ? [] : [wrongType('a time', value)];
      default:
        return this.number(shape, value);
    }
  }

  private text(shape: Shape, value: string): Found[] {
    // AWS counts Unicode code points: smithy.io, length trait.
    const length = /[\ud800-\udbff]/.test(value) ? [...value].length : value.length;
    const found = length > 0 && shape.sensitive === undefined ? shown(value) : undefined;
    const bounds = boundsOf(shape, length, 'length');
    if (shape.enum && !shape.enum.includes(value))
      return [{ constraint: `Member must satisfy enum value set: [${named(shape.enum)}]`, found }];
    // A value that is too long is not also tested against the pattern.
    const isTooLong = shape.max !== undefined && length > shape.max;
    if (shape.pattern !== undefined && !isTooLong && !matches(shape.pattern, value))
      bounds.push({
        constraint: `Member must satisfy regular expression pattern: ${shape.pattern}`,
        found,
      });
    return bounds;
  }

  private isBoolean(value: unknown): boolean {
    if (this.form === 'text') return value === 'true' || value === 'false';
    return typeof value === 'boolean';
  }

  private number(shape: Shape, value: unknown): Found[] {
    const isFraction = shape.type === 'float' || shape.type === 'double';
    const number = this.numberOf(value, isFraction);
    if (number === undefined || (!isFraction && !Number.isInteger(number)))
      return [wrongType(isFraction ? 'a number' : 'a whole number', value)];
    const bits = BITS[shape.type];
    if (bits !== undefined && (number < -(2 ** (bits - 1)) || number > 2 ** (bits - 1)))
      return [wrongType(`a number of ${bits} bits`, value)];
    return boundsOf(shape, number, 'value');
  }

  private numberOf(value: unknown, isFraction: boolean): number | undefined {
    if (typeof value === 'number') return value;
    if (typeof value === 'bigint') return Number(value);
    if (typeof value !== 'string') return undefined;
    if (isFraction && /^(NaN|-?Infinity)$/.test(value)) return Number(value);
    const isNumber = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value);
    return this.form === 'text' && isNumber ? Number(value) : undefined;
  }

  private blob(shape: Shape, value: unknown): Found[] {
    if (this.form === 'sdk' && typeof value === 'string')
      return boundsOf(shape, Buffer.byteLength(value), 'length');
    if (value instanceof Uint8Array) return boundsOf(shape, value.byteLength, 'length');
    // The length of a stream is known only at its end.
    if (this.form === 'sdk' && typeof value === 'object') return [];
    if (typeof value !== 'string' || !isBase64(value)) return [wrongType('base64', value)];
    return boundsOf(shape, Buffer.byteLength(value, 'base64'), 'length');
  }

  private isTime(shape: Shape, member: Member, value: unknown): boolean {
    if (this.form === 'sdk') return value instanceof Date && !Number.isNaN(value.getTime());
    if (this.form === 'cbor') return value instanceof Date || typeof value === 'number';
    const isEpoch =
      typeof value === 'number' ||
      (this.form === 'text' && typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
    const format = member.timestampFormat ?? shape.timestampFormat;
    if (this.form === 'json' && (format === undefined || format === 'unixTimestamp'))
      return isEpoch;
    return isEpoch || (typeof value === 'string' && !Number.isNaN(Date.parse(value)));
  }

  private bounds(shape: Shape, measure: number, path: readonly string[], of: Measure): void {
    for (const { constraint, found } of boundsOf(shape, measure, of))
      this.add(path, constraint, found);
  }

  private unreadable(path: readonly string[], expected: string, value: unknown): void {
    const { constraint, found } = wrongType(expected, value);
    this.add(path, constraint, found, true);
  }

  private add(
    path: readonly string[],
    constraint: string,
    found?: string,
    isUnreadable?: boolean,
  ): void {
    if (this.found.length >= MAX_VIOLATIONS) return;
    // In messages, AWS's member names begin with a lower-case letter, whatever the API's do.
    const names = path.map((name) => name.charAt(0).toLowerCase() + name.slice(1));
    this.found.push({ path: names.join('.'), constraint, found, isUnreadable });
  }
}

type Found = Omit<Violation, 'path'>;
type Measure = 'length' | 'value';

const BITS: Readonly<Partial<Record<Shape['type'], number>>> = {
  byte: 8,
  short: 16,
  integer: 32,
  long: 64,
};

function boundsOf({ min, max }: Shape, measure: number, of: Measure): Found[] {
  const found = of === 'length' ? `its length is ${measure}` : `it is ${measure}`;
  if (max !== undefined && measure > max)
    return [{ constraint: `Member must have ${of} less than or equal to ${max}`, found }];
  if (min !== undefined && measure < min)
    return [{ constraint: `Member must have ${of} greater than or equal to ${min}`, found }];
  return [];
}

const wrongType = (expected: string, value: unknown): Found => ({
  constraint: `Member must be ${expected}`,
  found: `it is ${kindOf(value)}`,
  isUnreadable: true,
});

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a structure';
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
}

const isAbsent = (value: unknown): value is null | undefined =>
  value === null || value === undefined;

/** The fields of an object that is neither a list, a time nor bytes. */
function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (value instanceof Date || value instanceof Uint8Array) return undefined;
  return { ...value };
}

const isBase64 = (text: string): boolean =>
  text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);

const named = (values: readonly string[]): string =>
  values.length <= MAX_NAMED_VALUES
    ? values.join(', ')
    : `${values.slice(0, MAX_NAMED_VALUES).join(', ')}, and ${values.length - MAX_NAMED_VALUES} more`;

const MAX_SHOWN = 60;

/** A value for a message, on one line. */
function shown(value: string): string {
  const line = value.replace(/[^\x20-\x7e]/g, '?');
  return `it is '${line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line}'`;
}
