import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageFor, readDockerfile } from '../../../../embedded/gateway/sagemaker/images';
import { PROJECT } from '../cloud';

const interpreters = { python: '/venv/python', node: '/usr/bin/node' };
const folder = mkdtempSync(join(tmpdir(), 'lake-image-'));
mkdirSync(join(folder, 'program'));
afterAll(() => rmSync(folder, { recursive: true }));

function dockerfile(...lines: string[]): string {
  const file = join(folder, 'Dockerfile');
  writeFileSync(file, lines.join('\n'));
  return file;
}

const read = (...lines: string[]) => readDockerfile(dockerfile(...lines), folder, interpreters);

test("the project's own images can be run", () => {
  const training = imageFor(
    '000000000000.dkr.ecr.us-east-1.amazonaws.com/sentiment-lake-local-training:x',
    PROJECT,
    interpreters,
  );

  expect(training).toMatchObject({
    entrypoint: ['/venv/python', 'train.py'],
    workingFolder: join(PROJECT, 'ml/training'),
  });
});

test('the last stage counts, and interpreters are those of this machine', () => {
  const image = read(
    '# local-workdir: program',
    'FROM a AS b',
    'ENTRYPOINT ["other"]',
    'ENV A=1',
    'FROM c',
    'ENV B=2 C="two words"',
    'ENTRYPOINT ["/usr/local/bin/node", \\',
    '  "serve.js"]',
  );

  expect(image).toEqual({
    entrypoint: ['/usr/bin/node', 'serve.js'],
    workingFolder: join(folder, 'program'),
    environment: { B: '2', C: 'two words' },
  });
});

test.each([
  [
    'an entry point in shell form',
    ['# local-workdir: program', 'FROM a', 'ENTRYPOINT python train.py'],
    /no ENTRYPOINT in exec form/,
  ],
  [
    'no entry point in the last stage',
    ['# local-workdir: program', 'FROM a', 'ENTRYPOINT ["x"]', 'FROM b'],
    /no ENTRYPOINT in exec form/,
  ],
  ['no local folder', ['FROM a', 'ENTRYPOINT ["x"]'], /add a comment '# local-workdir/],
  [
    'a local folder that was not built',
    ['# local-workdir: dist', 'FROM a', 'ENTRYPOINT ["x"]'],
    /dist does not exist .*Build it first/,
  ],
])('%s is refused by name', (_what, lines, message) => {
  expect(() => read(...lines)).toThrow(message);
});

test('a repository that is neither training nor serving has no image here', () => {
  expect(() => imageFor('x/y/pytorch:1', folder, interpreters)).toThrow(
    /no image x\/y\/pytorch:1 on this machine/,
  );
});
