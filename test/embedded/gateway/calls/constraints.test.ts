import * as fc from 'fast-check';
import { violations } from '../../../../embedded/gateway/calls/constraints';
import type { ServiceModel, Shape } from '../../../../embedded/gateway/calls/models';

/*
 * Over shapes that nobody wrote: a value made to satisfy one passes, and the same value with a single thing wrong is
 * refused with the name of that member, and for nothing else.
 */

/** A shape with the shapes below it in place of their names. */
type Tree =
  | { kind: 'text'; min: number; max: number; pattern: boolean }
  | { kind: 'choice'; of: string[] }
  | { kind: 'number'; type: 'integer' | 'long' | 'double'; min: number; max: number }
  | { kind: 'flag' }
  | { kind: 'list' | 'map'; min: number; max: number; of: Tree }
  | { kind: 'structure'; members: { name: string; required: boolean; of: Tree }[] };

const bounds = (most: number) =>
  fc.tuple(fc.nat(most), fc.nat(most)).map(([one, other]) => ({
    min: Math.min(one, other),
    max: Math.max(one, other),
  }));
const name = fc.stringMatching(/^[A-Z][a-z]{1,5}$/);
const { structure } = fc.letrec<{ any: Tree; structure: Tree }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.record({ bounds: bounds(9), pattern: fc.boolean() }).map(({ bounds: one, pattern }) => ({
      kind: 'text' as const,
      pattern,
      ...one,
    })),
    fc
      .uniqueArray(name, { minLength: 1, maxLength: 4 })
      .map((of) => ({ kind: 'choice' as const, of })),
    fc
      .tuple(fc.constantFrom('integer' as const, 'long' as const, 'double' as const), bounds(90))
      .map(([type, one]) => ({ kind: 'number' as const, type, ...one })),
    fc.constant({ kind: 'flag' as const }),
    fc
      .tuple(fc.constantFrom('list' as const, 'map' as const), bounds(3), tie('any'))
      .map(([kind, one, of]) => ({ kind, of, ...one })),
    tie('structure'),
  ),
  structure: fc
    .uniqueArray(fc.record({ name, required: fc.boolean(), of: tie('any') }), {
      minLength: 1,
      maxLength: 4,
      selector: (member) => member.name,
    })
    .map((members) => ({ kind: 'structure' as const, members })),
}));

/** The model of one operation whose input is the tree. */
function modelOf(tree: Tree): ServiceModel {
  const shapes: Record<string, Shape> = {};
  const add = (one: Tree): { shape: string } => {
    const shape = `Shape${Object.keys(shapes).length}`;
    shapes[shape] = { type: 'structure' };
    shapes[shape] = shapeOf(one);
    return { shape };
  };
  const shapeOf = (one: Tree): Shape => {
    switch (one.kind) {
      case 'text': {
        const { min, max, pattern } = one;
        return { type: 'string', min, max, ...(pattern && { pattern: '[\\w-]*' }) };
      }
      case 'choice':
        return { type: 'string', enum: one.of };
      case 'number':
        return { type: one.type, min: one.min, max: one.max };
      case 'flag':
        return { type: 'boolean' };
      case 'list':
        return { type: 'list', min: one.min, max: one.max, member: add(one.of) };
      case 'map': {
        const key = add({ kind: 'text', min: 1, max: 9, pattern: true });
        return { type: 'map', min: one.min, max: one.max, key, value: add(one.of) };
      }
      case 'structure':
        return {
          type: 'structure',
          required: one.members.filter(({ required }) => required).map((member) => member.name),
          members: Object.fromEntries(one.members.map(({ name: called, of }) => [called, add(of)])),
        };
    }
  };
  add(tree);
  return {
    metadata: { protocol: 'json', serviceId: 'Any', endpointPrefix: 'any', apiVersion: '1' },
    operations: {},
    shapes,
  };
}

/** A value that satisfies a tree. */
function good(tree: Tree): fc.Arbitrary<unknown> {
  switch (tree.kind) {
    case 'text':
      return fc.string({
        minLength: tree.min,
        maxLength: tree.max,
        unit: tree.pattern ? fc.constantFrom('a', 'Z', '0', '_', '-') : 'grapheme-ascii',
      });
    case 'choice':
      return fc.constantFrom(...tree.of);
    case 'number':
      return tree.type === 'double'
        ? fc.double({ min: tree.min, max: tree.max, noNaN: true })
        : fc.integer({ min: tree.min, max: tree.max });
    case 'flag':
      return fc.boolean();
    case 'list':
      return fc.array(good(tree.of), { minLength: tree.min, maxLength: tree.max });
    case 'map':
      return fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), good(tree.of), {
        minKeys: tree.min,
        maxKeys: tree.max,
      });
    case 'structure':
      return fc.record(
        Object.fromEntries(tree.members.map(({ name: called, of }) => [called, good(of)])),
        { requiredKeys: tree.members.filter(({ required }) => required).map((one) => one.name) },
      );
  }
}

interface Wrong {
  readonly value: unknown;
  /** As AWS writes it. */
  readonly path: string;
  readonly says: RegExp;
}

const small = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value with one thing wrong, in every way and at every place. */
function wrong(tree: Tree, value: unknown, path: readonly string[]): Wrong[] {
  const here = (bad: unknown, says: RegExp): Wrong => ({
    value: bad,
    path: path.map(small).join('.'),
    says,
  });
  switch (tree.kind) {
    case 'text':
      return [
        here('a'.repeat(tree.max + 1), /length less than or equal/),
        ...(tree.min > 0 ? [here('a'.repeat(tree.min - 1), /length greater than or equal/)] : []),
        ...(tree.pattern && tree.max > 0
          ? [here('!'.repeat(Math.max(1, tree.min)), /regular expression/)]
          : []),
        here(7, /must be a text/),
      ];
    case 'choice':
      return [here('none of them', /enum value set/), here(true, /must be a text/)];
    case 'number':
      return [
        here(tree.max + 1, /value less than or equal/),
        here(tree.min - 1, /value greater than or equal/),
        here('1', /must be a (whole )?number/),
        ...(tree.type === 'double' ? [] : [here(tree.min + 0.5, /must be a whole number/)]),
      ];
    case 'flag':
      return [here('true', /must be true or false/)];
    case 'list': {
      const items = Array.isArray(value) ? value : [];
      const isPlain = !['list', 'map', 'structure'].includes(tree.of.kind);
      const [first] = items;
      return [
        here({}, /must be a list/),
        ...(items.length > 0 && items.length === tree.min
          ? [here(items.slice(1), /length greater than or equal/)]
          : []),
        ...(items.length > 0
          ? [
              here(
                Array.from({ length: tree.max + 1 }, () => first),
                /length less than or equal/,
              ),
              here([null, ...items.slice(1)], /must not be null/),
            ]
          : []),
        ...items.flatMap((item: unknown, at) =>
          wrong(tree.of, item, isPlain ? path : [...path, String(at + 1), 'member']).map((bad) => ({
            ...bad,
            value: items.map((one: unknown, i) => (i === at ? bad.value : one)),
          })),
        ),
      ];
    }
    case 'map': {
      const fields = isFields(value) ? value : {};
      const [one] = Object.entries(fields);
      return [
        here([], /must be a map/),
        ...(one
          ? [
              here(
                Object.fromEntries(
                  Object.entries(fields).map(([key, of], at) => [at === 0 ? '!' : key, of]),
                ),
                /Map keys/,
              ),
            ]
          : []),
        ...Object.entries(fields).flatMap(([key, of]) =>
          wrong(tree.of, of, [...path, key, 'member']).map((bad) => ({
            ...bad,
            value: { ...fields, [key]: bad.value },
          })),
        ),
      ];
    }
    case 'structure': {
      const fields = isFields(value) ? value : {};
      const without = (called: string) =>
        Object.fromEntries(Object.entries(fields).filter(([key]) => key !== called));
      return [
        here('text', /must be a structure/),
        {
          value: { ...fields, Unknown: 1 },
          path: [...path, 'unknown'].map(small).join('.'),
          says: /must be one of the operation/,
        },
        ...tree.members.flatMap(({ name: called, required, of }) => [
          ...(required
            ? [
                {
                  value: without(called),
                  path: [...path, called].map(small).join('.'),
                  says: /must not be null/,
                },
              ]
            : []),
          ...(called in fields
            ? wrong(of, fields[called], [...path, called]).map((bad) => ({
                ...bad,
                value: { ...fields, [called]: bad.value },
              }))
            : []),
        ]),
      ];
    }
  }
}

const treeAndValue = structure.chain((tree) =>
  good(tree).map((value) => ({ tree, value, model: modelOf(tree) })),
);
const check = (model: ServiceModel, value: unknown) => violations(model, 'Shape0', value, 'json');

test('a value made to satisfy a shape passes', () => {
  fc.assert(
    fc.property(treeAndValue, ({ model, value }) => {
      expect(check(model, value)).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test('the same value with a single thing wrong is refused with the name of that member', () => {
  fc.assert(
    fc.property(treeAndValue, fc.nat(), ({ tree, value, model }, choice) => {
      const ways = wrong(tree, value, []);
      const bad = ways[choice % ways.length];

      expect(check(model, bad?.value)).toEqual([
        expect.objectContaining({
          path: bad?.path,
          constraint: expect.stringMatching(bad?.says ?? ''),
        }),
      ]);
    }),
    { numRuns: 300 },
  );
});
