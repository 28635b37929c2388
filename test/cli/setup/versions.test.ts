import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, fakePrograms, newFolder } from './run';

const java = (version: string) =>
  ask('versions.mjs', 'm.findJava()', {
    JAVA_HOME: '',
    PATH: fakePrograms({ java: `openjdk version "${version}" 2026-01-20` }),
  });

test.each(['17.0.15', '17', '21.0.1', '18.0.2.1'])('Java %s fits', async (version) => {
  expect(await java(version)).toBe(`"${version}"`);
});

test.each([
  ['1.8.0_402', 'too old'],
  ['11.0.25', 'too old'],
  ['24.0.1', 'too new'],
  ['25', 'too new'],
])('Java %s is %s, said in one line with what to install', async (version, fault) => {
  const line = await java(version);

  expect(line).toMatch(
    new RegExp(`^Java ${version} is ${fault}\\. Java 17 or 21 is needed for Spark .*openjdk-17`),
  );
  expect(line).not.toContain('\n');
});

test('a missing Java is named as missing', async () => {
  const line = await ask('versions.mjs', 'm.findJava()', { JAVA_HOME: '', PATH: fakePrograms({}) });

  expect(line).toMatch(/^Java is missing \(java does not run\)\. Java 17 or 21 is needed/);
});

test('JAVA_HOME wins over the PATH, as it does for Spark', async () => {
  const PATH = fakePrograms({ java: 'openjdk version "17.0.1"' });

  expect(await ask('versions.mjs', 'm.findJava()', { JAVA_HOME: '/nowhere', PATH })).toContain(
    '/nowhere/bin/java does not run',
  );
});

const python = (programs: Record<string, string>, env: NodeJS.ProcessEnv = {}) =>
  ask('versions.mjs', `m.findPython('${newFolder()}')`, {
    PATH: fakePrograms(programs),
    PYTHON: '',
    ...env,
  });

test('the first Python of the PATH that fits is taken', async () => {
  const found = await python({
    python3: 'Python 3.14.0',
    'python3.12': 'Python 3.12.1',
    'python3.11': 'Python 3.11.9',
  });

  expect(JSON.parse(found)).toMatchObject({ command: 'python3.12', version: '3.12.1' });
});

test.each([
  ['3.10.13', 'too old'],
  ['3.9.18', 'too old'],
  ['3.14.0', 'too new'],
])('Python %s is %s', async (version, fault) => {
  expect(await python({ python3: `Python ${version}` })).toBe(
    `Python ${version} is ${fault}: Python 3.11 to 3.13 is needed. Install it, or name one: PYTHON=/path/to/python3`,
  );
});

test('the Python of .venv is taken when it fits, unless an installation was cut off there', async () => {
  const root = newFolder();
  mkdirSync(join(root, '.venv'));
  symlinkSync(fakePrograms({ python: 'Python 3.13.2' }), join(root, '.venv', 'bin'));
  const env = { PATH: fakePrograms({ python3: 'Python 3.12.1' }), PYTHON: '' };
  const find = async () =>
    JSON.parse(await ask('versions.mjs', `m.findPython('${root}')`, env)).version;

  expect(await find()).toBe('3.13.2');
  writeFileSync(join(root, '.venv', '.installing'), '');
  expect(await find()).toBe('3.12.1');
});

test('a missing Python is named as missing', async () => {
  expect(await python({})).toBe(
    'Python 3.11 to 3.13 is needed, but no python3 on the PATH works. Install it, or name one: PYTHON=/path/to/python3',
  );
});

test.each(['80', '99999', 'http'])('LAKE_PORT=%s is refused', async (port) => {
  expect(await ask('versions.mjs', 'm.lakePort()', { LAKE_PORT: port })).toBe(
    `LAKE_PORT is "${port}", but must be a port from 1024 to 65535.`,
  );
});
