import { Forgotten, ForgottenList, emptyList, withIds } from '../../functions/lake/forgotten';

const list = withIds(emptyList(), { tweets: ['12', '13'], authors: ['7'] });

test('knows a forgotten tweet by its own id or by its author’s, and no other', () => {
  const forgotten = new Forgotten(list);

  expect(forgotten.has({ id: '12', author_id: '1' })).toBe(true);
  expect(forgotten.has({ id: '99', author_id: '7' })).toBe(true);
  // The id of one kind says nothing of the other.
  expect(forgotten.has({ id: '7', author_id: '12' })).toBe(false);
});

test('says of no id that it is on the list, and hashes differ from lake to lake', () => {
  const other = withIds(emptyList(), { tweets: ['12', '13'], authors: ['7'] });

  expect(JSON.stringify(list)).not.toMatch(/"(12|13|7)"/);
  expect(other.tweets).not.toEqual(list.tweets);
  expect(ForgottenList.parse(list)).toEqual(list);
});

test('ids that are on the list already do not change it', () => {
  expect(withIds(list, { tweets: ['13'], authors: ['7'] })).toBe(list);
  expect(withIds(list, { tweets: ['14'], authors: [] }).tweets).toHaveLength(3);
});

test('an empty list holds nothing', () => {
  const forgotten = new Forgotten(emptyList());

  expect([forgotten.isEmpty, forgotten.has({ id: '1', author_id: '1' })]).toEqual([true, false]);
});
