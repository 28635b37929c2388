import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inheritedEnvironment, Processes } from '../../../embedded/gateway/processes';
import { commandLines, until } from './cloud';

const folder = mkdtempSync(join(tmpdir(), 'lake-processes-'));
const logFile = join(folder, 'logs', 'log');
const processes = new Processes();
afterAll(async () => {
  await processes.close(0);
  rmSync(folder, { recursive: true });
});

const shell = (script: string) =>
  processes.start({
    command: '/bin/sh',
    args: ['-c', script],
    cwd: folder,
    env: inheritedEnvironment(),
    logFile,
  });

test.each([
  ['the machine’s clock', undefined, []],
  ['a shifted clock', '86400', ['CLOCK_SHIFT_SECONDS', 'LD_PRELOAD']],
])(
  'with %s a program inherits a library to load before others only with the shift',
  (_, shift, more) => {
    const before = { ...process.env };
    process.env['LD_PRELOAD'] = '/clock.so';
    if (shift !== undefined) process.env['CLOCK_SHIFT_SECONDS'] = shift;

    const names = Object.keys(inheritedEnvironment());
    process.env = before;

    expect(names.filter((name) => /CLOCK|LD_/.test(name))).toEqual(more);
  },
);

test.each([0, 1, 42])('the exit code %d of a program is handed on', async (code) => {
  expect(await (await shell(`exit ${code}`)).exited).toBe(code);
});

test('standard output and error go to the log, and standard input is empty', async () => {
  await (
    await shell('cat; echo out; echo err >&2')
  ).exited;

  expect(readFileSync(logFile, 'utf8')).toBe('out\nerr\n');
});

test('a program that does not exist ends with 127 and a line in its log', async () => {
  const program = await processes.start({
    command: '/does/not/exist',
    args: [],
    cwd: folder,
    env: {},
    logFile,
  });

  expect(await program.exited).toBe(127);
  expect(readFileSync(logFile, 'utf8')).toContain('/does/not/exist');
});

test('a program that listens to SIGTERM can end in its own way', async () => {
  const program = await shell(
    'trap "echo goodbye; exit 5" TERM; echo ready; while :; do sleep 0.05; done',
  );
  await until('it is ready', async () => readFileSync(logFile, 'utf8').includes('ready'));

  await program.stop(10);

  expect(await program.exited).toBe(5);
  expect(readFileSync(logFile, 'utf8')).toContain('goodbye');
});

test('a program that does not listen is killed after the grace, with its children', async () => {
  const program = await shell('trap "" TERM; sleep 4444 & echo deaf; wait; sleep 4445');
  await until('it is deaf', async () => readFileSync(logFile, 'utf8').includes('deaf'));

  await program.stop(0.2);

  expect(commandLines()).not.toMatch(/sleep 444\d/);
});

test('children that outlive their program are ended with it', async () => {
  await (
    await shell('sleep 5555 & exit 0')
  ).exited;

  expect(commandLines()).not.toContain('sleep 5555');
});
