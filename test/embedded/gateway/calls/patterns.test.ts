import { PYTHON } from '../cloud';
import { Models } from '../../../../embedded/gateway/calls/models';
import { matches, UNREADABLE } from '../../../../embedded/gateway/calls/patterns';
import { PROTOCOLS, SERVICES } from '../../../../embedded/gateway/calls/services';

const models = Models.of(PYTHON);
const services = Object.entries(SERVICES).flatMap(([signing, names]) =>
  names.map((one) => [`${signing}: ${one.model}`, signing, one] as const),
);

describe('patterns', () => {
  test.each([
    // As a whole, not somewhere in the text.
    ['[a-z]+', 'abc', 'abc1'],
    ['a|bc', 'bc', 'abc'],
    ['^[a-z]{2}$', 'ab', 'abc'],
    ['\\A[a-z]+\\z', 'ab', 'ab\n'],
    // Java's names of characters, inside and outside of a class.
    ['\\p{Alnum}+', 'aZ9', 'a-9'],
    ['[\\p{Upper}_]+', 'A_B', 'a_b'],
    ['[\\p{L}\\p{N}]+', 'é9', 'é-9'],
    // A hyphen that means no range, and signs that JavaScript would have escaped.
    ['[\\w-.]+', 'a-b.c', 'a b'],
    ['[a-z-.]+', 'a-.b', 'aB'],
    ['[\\w+=,.@-]+', 'a@b-c', 'a b'],
    ['[[a]+', '[a', 'b'],
    ['[]a]+', ']a', 'b'],
    ['[^]a]+', 'xyz', 'x]'],
    ['a\\@b', 'a@b', 'a\\@b'],
    ['a{b}', 'a{b}', 'ab'],
    ['a{2,3}', 'aaa', 'a'],
    // Flags that stand at the front.
    ['(?i)abc', 'ABC', 'abd'],
    ['(?s).*', 'a\nb', null],
    ['.*', 'ab', 'a\nb'],
    ['[\\u0020-\\uD7FF]+', 'text', '\n'],
  ])('%s takes %j and not %j', (pattern, taken, refused) => {
    expect(matches(pattern, taken)).toBe(true);
    if (refused !== null) expect(matches(pattern, refused)).toBe(false);
  });

  test('what no engine reads refuses nothing, and what cannot be read is an error', () => {
    for (const { pattern } of UNREADABLE) expect(matches(pattern, '!')).toBe(true);
    expect(() => matches('(', 'a')).toThrow(SyntaxError);
  });

  test('every pattern of every service can be read, and those that cannot are in a model', () => {
    const patterns = new Set(
      services.flatMap(([, , { model }]) =>
        Object.values(models.get(model).shapes).flatMap(({ pattern }) => pattern ?? []),
      ),
    );

    expect(patterns.size).toBeGreaterThan(500);
    for (const pattern of patterns) expect(typeof matches(pattern, 'text')).toBe('boolean');
    expect(UNREADABLE.filter(({ pattern }) => !patterns.has(pattern))).toEqual([]);
  });
});

describe('services', () => {
  test.each(services)('%s has the names that its model has', (_, signing, { model, id }) => {
    const { metadata, operations } = models.get(model);

    expect(metadata.serviceId).toBe(id);
    expect(metadata.signingName ?? metadata.endpointPrefix).toMatch(
      new RegExp(`(^|\\.)${signing}$|^${signing}$`),
    );
    expect(Object.keys(operations)).not.toEqual([]);
  });

  test('an error is a name, and no two services share an id', () => {
    const named = services.flatMap(([, , { invalid, unreadable }]) => [
      invalid,
      ...(unreadable === undefined ? [] : [unreadable]),
    ]);
    const ids = services.map(([, , { id }]) => id);

    for (const error of [...named, ...Object.values(PROTOCOLS).flatMap(Object.values)])
      expect(error).toMatch(/^[A-Z][A-Za-z]+$/);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
