import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../../embedded/gateway/free-port';
import { fakePrograms, finish, newFolder, runNode, setup } from './run';

const main = join(setup, 'main.mjs');

test('a wrong option ends at once, before the set-up, with exit code 2', async () => {
  const { code, lines } = await runNode([main, 'start', '--fast']);

  expect({ code, lines }).toEqual({
    code: 2,
    lines: ["error: unknown option '--fast'", 'Help: npm run start -- --help'],
  });
});

test('an unfit Java ends the set-up with one line', async () => {
  const programs = fakePrograms({ java: 'openjdk version "11.0.2"', python3: 'Python 3.12.1' });

  const { code, lines } = await runNode([main, 'start'], {
    PATH: programs,
    JAVA_HOME: '',
    LAKE_PORT: String(await freePort()),
    LAKE_HOME: newFolder(),
  });

  expect(code).toBe(1);
  expect(lines).toEqual([expect.stringMatching(/^Java 11\.0\.2 is too old\./)]);
});

test('a port in use ends the set-up with one line that names the variable', async () => {
  const other = createServer();
  const port = await new Promise<number>((resolve) =>
    other.listen(0, '127.0.0.1', () => {
      const address = other.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    }),
  );

  const { code, lines } = await runNode([main, 'start'], {
    LAKE_PORT: String(port),
    LAKE_HOME: newFolder(),
  });
  other.close();

  expect(code).toBe(1);
  expect(lines).toEqual([
    `Port ${port} is in use by another program. Choose another one: LAKE_PORT=${port + 1} npm start`,
  ]);
});

const script = (body: string) => ['--input-type=module', '-e', body];
const lockIn = (path: string, body: string) =>
  script(`import { lockSetup } from '${join(setup, 'lock.mjs')}';
    const release = await lockSetup('${path}', (pid) => console.log('waits for ' + pid)); ${body}`);

test('a second set-up waits for the first', async () => {
  const path = join(newFolder(), 'lock');
  const first = spawn(
    process.execPath,
    lockIn(
      path,
      `console.log('has it'); process.stdin.once('data', () => { console.log('done ' + Date.now()); release(); });`,
    ),
  );
  const ofFirst = finish(first);
  await new Promise((resolve) => first.stdout.once('data', resolve));
  const second = spawn(
    process.execPath,
    lockIn(path, "console.log('begins ' + Date.now()); release();"),
  );
  const ofSecond = finish(second);
  await new Promise((resolve) => second.stdout.once('data', resolve));
  first.stdin.end('go');

  const [one, two] = await Promise.all([ofFirst, ofSecond]);

  expect(two.lines[0]).toBe(`waits for ${first.pid}`);
  const at = (line: string | undefined) => Number(line?.split(' ')[1]);
  expect(at(two.lines[1])).toBeGreaterThanOrEqual(at(one.lines.at(-1)));
});

test('the lock of a killed set-up is taken over', async () => {
  const path = join(newFolder(), 'lock');
  const killed = spawn(
    process.execPath,
    lockIn(path, "console.log('has it'); setInterval(() => {}, 1000);"),
  );
  await new Promise((resolve) => killed.stdout.once('data', resolve));
  killed.kill('SIGKILL');
  await new Promise((resolve) => killed.once('close', resolve));
  expect(existsSync(path)).toBe(true);

  const { lines } = await runNode(lockIn(path, "console.log('took over'); release();"));

  expect(lines).toEqual(['took over']);
  expect(existsSync(path)).toBe(false);
});

test('what a set-up has started does not outlive it, even when it is killed', async () => {
  const beat = join(newFolder(), 'beat');
  const command = `while :; do date +%s%N > ${beat}; sleep 0.1; done`;
  const parent = spawn(
    process.execPath,
    script(`import { spawn } from 'node:child_process';
      spawn(process.execPath, ['${join(setup, 'guard.mjs')}', 'sh', '-c', '${command}'], { stdio: 'ignore' });
      setInterval(() => {}, 1000);`),
  );
  while (!existsSync(beat)) await sleep(50);

  parent.kill('SIGKILL');
  await sleep(1_000);
  writeFileSync(beat, 'last');
  await sleep(400);

  const { lines } = await finish(spawn('cat', [beat]));
  expect(lines).toEqual(['last']);
});

test('a guarded command passes its exit code on', async () => {
  const { code } = await runNode([join(setup, 'guard.mjs'), 'sh', '-c', 'exit 7']);

  expect(code).toBe(7);
});
