import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const root = resolve(__dirname, '../..');
const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
const all = ['README.md', 'CONTRIBUTING.md', ...pages.map((name) => join('docs', name))];
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** A heading's anchor, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, '')
    .replace(/ /g, '-');

const anchorsOf = (path: string): string[] =>
  [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));

/** Without code, in which AWS and this project have names of their own. */
const prose = (path: string): string =>
  read(path)
    .replace(/^```.*?^```$/gms, '')
    .replace(/`[^`]*`/g, '');

test.each(all)('every link of %s leads somewhere', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !link.startsWith('https://'));

  const dead = links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    return (
      !existsSync(join(root, target)) ||
      (anchor !== undefined && !anchorsOf(target).includes(anchor))
    );
  });

  expect(dead).toEqual([]);
});

test.each(pages)('docs/%s begins with when one needs it', (name) => {
  const [, , firstLine] = read(join('docs', name)).split('\n');

  expect(firstLine).toMatch(/^Read this /);
});

test('the index has every page', () => {
  const index = read('docs/index.md');

  expect(pages.filter((name) => name !== 'index.md' && !index.includes(`(${name})`))).toEqual([]);
});

// The field's own terms stand in the glossary of docs/index.md.
test.each([
  ['doubles', 'duplicates'],
  ['verdicts?', 'prediction'],
  ['stand-in', 'emulator, or stub'],
  ['parked', 'queued for retry'],
  ['the night', 'the run'],
  ['misfits?', 'invalid record'],
])('no page says /%s/ for %s', (word) => {
  const said = all.filter((path) => new RegExp(`\\b${word}\\b`, 'i').test(prose(path)));

  expect(said).toEqual([]);
});

test('every picture is small, and some page shows it', () => {
  const pictures = readdirSync(join(root, 'docs/pictures'));
  const text = all.map(read).join('\n');

  expect(pictures.length).toBeGreaterThan(3);
  for (const name of pictures) {
    expect(statSync(join(root, 'docs/pictures', name)).size).toBeLessThan(100_000);
    expect(text).toContain(`pictures/${name}`);
  }
});
