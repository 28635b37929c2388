import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Archive } from '../../../embedded/x-api/archive';
import { readDriftScript } from '../../../embedded/x-api/drift';
import { timeOf } from '../../../embedded/x-api/snowflake';
import { boot, hour, newHome, texts } from './world';

const open = (home: string, now = boot) =>
  Archive.open(join(home, 'archive.json'), () => texts, now);
const day = 24 * hour;

test('lays a text out once, within the seven days before the first boot, newest first', () => {
  const { posts } = open(newHome());

  expect(posts).toHaveLength(120);
  expect(new Set(posts.map(({ text }) => text)).size).toBe(120);
  expect(new Set(posts.map(({ id }) => id)).size).toBe(120);
  const times = posts.map(({ createdAt }) => createdAt);
  expect(times).toEqual([...times].sort((a, b) => b - a));
  expect(Math.max(...times)).toBeLessThan(boot);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(boot - 7 * day);
  expect(posts.every(({ id, createdAt }) => timeOf(id) === createdAt)).toBe(true);
});

test('two homes booted at the same time hold the same posts', () => {
  expect(open(newHome()).posts).toEqual(open(newHome()).posts);
});

test('a later boot changes nothing and does not ask for the corpus again', () => {
  const home = newHome();
  const first = open(home).posts;

  const again = Archive.open(
    join(home, 'archive.json'),
    () => {
      throw new Error('the corpus was read again');
    },
    boot + 3 * day,
  );

  expect(again.posts).toEqual(first);
});

test('authors follow a long tail: the busiest writes far more than the median one', () => {
  const counts = new Map<string, number>();
  for (const { author } of open(newHome()).posts)
    counts.set(author.id, (counts.get(author.id) ?? 0) + 1);
  const sorted = [...counts.values()].sort((a, b) => b - a);

  expect(sorted[0]).toBeGreaterThan(5);
  expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThanOrEqual(2);
});

test('what is held back comes in two releases, each later than all before, and survives a restart', () => {
  const home = newHome();
  const path = join(home, 'archive.json');
  const sizes: number[] = [];
  for (let night = 1; night <= 4; night += 1) {
    const archive = open(home, boot + night * day);
    const newestBefore = archive.posts[0]?.createdAt ?? 0;
    const before = archive.posts.length;

    sizes.push(archive.release(boot + night * day));

    const arrived = archive.posts.filter(({ createdAt }) => createdAt > newestBefore);
    expect(arrived).toHaveLength(archive.posts.length - before);
    expect(arrived.every(({ createdAt }) => createdAt < boot + night * day)).toBe(true);
  }

  expect(sizes).toEqual([10, 10, 0, 0]);
  expect(new Set(open(home).posts.map(({ text }) => text)).size).toBe(texts.length);
  expect(readFileSync(path, 'utf8')).toContain('"held":[]');
});

test('a file of another kind is refused with its name', () => {
  const home = newHome();
  writeFileSync(join(home, 'archive.json'), '{"version":7}');

  expect(() => open(home)).toThrow(/archive\.json is not an archive/);
});

test('a drift script changes a share of the posts from an instant on, the same at each start', () => {
  const home = newHome();
  const path = join(home, 'archive.json');
  const before = open(home).posts;
  const script = { from: new Date(boot - 3 * day).toISOString(), share: 0.5, text: 'rizz zzz' };
  const start = () => Archive.open(path, () => texts, boot, script).posts;

  const posts = start();

  const changed = posts.filter(({ text }) => text.endsWith(' rizz zzz'));
  const recent = before.filter(({ createdAt }) => createdAt >= boot - 3 * day);
  expect(changed.length).toBeGreaterThan(recent.length * 0.25);
  expect(changed.length).toBeLessThan(recent.length * 0.75);
  expect(changed.every(({ createdAt }) => createdAt >= boot - 3 * day)).toBe(true);
  expect(posts.map(({ text }) => text.replace(' rizz zzz', ''))).toEqual(
    before.map(({ text }) => text),
  );
  expect(start()).toEqual(posts);
  // Without it the archive is what it was.
  expect(open(home).posts).toEqual(before);
});

test.each([
  ['not JSON', /is not JSON/],
  ['{"from":"yesterday","text":"x"}', /is invalid at from/],
  ['{"from":"2026-11-28T00:00:00Z","text":"x","much":1}', /is invalid at the script/],
])('a drift script %j stops the start with what is wrong', (content, message) => {
  const path = join(newHome(), 'drift.json');
  writeFileSync(path, content);

  expect(() => readDriftScript(path)).toThrow(message);
});
