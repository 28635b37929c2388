import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wantedIds } from '../../erasure/ids';

const folder = mkdtempSync(join(tmpdir(), 'ids-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (content: string) => {
  const path = join(folder, 'ids.txt');
  writeFileSync(path, content);
  return { tweet: null, author: null, file: path };
};

test('a file names tweets, and authors where it says so', () => {
  const wanted = wantedIds(
    file('\uFEFF12\r\n\n# asked by mail\nauthor 7\ntweet:13 # again\nauthor,8\n'),
  );

  expect(wanted).toEqual({ tweets: ['12', '13'], authors: ['7', '8'] });
});

test('a single line that names no id refuses the file, with its number', () => {
  expect(() => wantedIds(file('12\n@ada\n'))).toThrow(/ids\.txt, line 2: "@ada" is not an id/);
  expect(() => wantedIds(file('# nobody\n'))).toThrow(/has no ids/);
  expect(() => wantedIds({ tweet: '1e5', author: null, file: null })).toThrow(
    /--tweet: "1e5" is not an id/,
  );
});

test('a file that is not there is said so', () => {
  expect(() => wantedIds({ tweet: null, author: null, file: join(folder, 'none') })).toThrow(
    /cannot be read/,
  );
});
