import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser } from 'playwright-core';
import { CTRL_C, Person, type OnTerminal } from './person';

/*
 * `npm start` as a person at a terminal knows it: a run, then the console until Ctrl-C; and the report that the run
 * leaves, opened as a file.
 */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const files = mkdtempSync(join(tmpdir(), 'lake-start-'));
let person: Person;
let browser: Browser;

beforeAll(async () => {
  if (!existsSync(CHROMIUM))
    throw new Error(`This drill needs a browser, and there is no ${CHROMIUM}.`);
  person = await Person.arrive('start');
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}, 60_000);

afterAll(async () => {
  delete process.env['X_FAULTS'];
  await browser?.close();
  await person?.leave();
  rmSync(files, { recursive: true, force: true });
}, 60_000);

/** Waits until a command on a terminal has printed it; fails with what it printed if it ends before. */
async function printed(command: OnTerminal, wanted: RegExp, millis: number): Promise<string> {
  let code: number | null | undefined;
  void command.ended.then((ended) => (code = ended.code));
  for (const deadline = Date.now() + millis; Date.now() < deadline;) {
    const [, found] = wanted.exec(command.output()) ?? [];
    if (found !== undefined) return found;
    if (code !== undefined) break;
    await new Promise((go) => setTimeout(go, 200));
  }
  throw new Error(`No ${wanted} in what the command printed:\n${command.output()}`);
}

const ADDRESS = /Console: (http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]+) {2}\(Ctrl-C ends it\)/;
const runs = () => readdirSync(join(person.home, 'runs')).toSorted();

test('after its run the console stays up, others use its lake, and Ctrl-C ends it with 0', async () => {
  const started = person.onTerminal(['start', '--input', '{"training": {"epochs": 4}}']);
  const address = await printed(started, ADDRESS, 8 * 60_000);
  const page = await browser.newPage();
  await page.goto(address);
  await page.waitForSelector('td .status.good');

  // A command that works on the lake, and not only one that looks at it.
  const other = await person.lake('import-labels', '--bundled');
  expect(other).toMatchObject({ code: 0 });

  await page.close();
  started.type(CTRL_C);
  const { code, output } = await started.ended;
  expect(code).toBe(0);
  expect(output).not.toContain('Stopped.');
  expect(existsSync(join(person.home, 'lock'))).toBe(false);
}, 600_000);

test('the report of the run opens as a file: graph, sentiment, opinions, all rules; no request, no error', async () => {
  const [run = ''] = runs();
  const page = await browser.newPage();
  const requests: string[] = [];
  const said: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  const file = pathToFileURL(join(person.home, 'runs', run, 'report.html')).href;

  await page.goto(file);
  await page.waitForSelector('.graph .done');
  await page.waitForSelector('.chart svg rect');

  expect(await page.textContent('h1')).toBe(run);
  expect(await page.textContent('h2:has-text("Three opinions") ~ div tbody')).toMatch(
    /positive|negative|neutral/,
  );
  const rules = page.getByRole('region', { name: 'Rules of the gate' }).locator('tbody tr');
  expect(await rules.count()).toBeGreaterThan(5);
  expect(await rules.filter({ hasText: '✓ passed' }).count()).toBeGreaterThan(3);
  expect(await page.locator('[role=alert]').count()).toBe(0);

  for (const hash of ['#/lake', '#/model', '#/runs']) {
    await page.goto(`${file}${hash}`);
    await page.waitForSelector('main table');
    await page.waitForSelector('main [role=status]', { state: 'detached' });
    expect(await page.locator('[role=alert]').count()).toBe(0);
  }
  expect(requests.filter((url) => !url.startsWith('file:'))).toEqual([]);
  expect(said).toEqual([]);
  await page.close();
}, 120_000);

test('a failed run is shown as well; after Ctrl-C its exit code is that of the failure', async () => {
  const faults = join(files, 'faults.json');
  writeFileSync(faults, '{"faults": [{"request": 1, "fault": "status", "status": 403}]}');
  process.env['X_FAULTS'] = faults;
  const started = person.onTerminal(['start']);
  const address = await printed(started, ADDRESS, 5 * 60_000);
  delete process.env['X_FAULTS'];
  const page = await browser.newPage();
  await page.goto(address);
  await page.click('tr:has(.status.bad) a');
  await page.waitForSelector('.failure');
  expect(await page.textContent('.failure')).toContain('The state "Ingest tweets" failed.');

  await page.goto(
    pathToFileURL(join(person.home, 'runs', runs().at(-1) ?? '', 'report.html')).href,
  );
  await page.waitForSelector('.graph .failed');
  expect(await page.textContent('.failure')).toMatch(/403/);
  await page.close();

  started.type(CTRL_C);
  expect((await started.ended).code).toBe(1);
}, 600_000);

test('with --no-console it ends after the run, and names the command', async () => {
  const started = person.onTerminal(['start', '--no-console', '--mode', 'ingest']);
  const { code, output } = await started.ended;

  expect(output).toMatch(/ingest-\S+ SUCCEEDED/);
  expect(output).toContain('npm run console');
  expect(output).not.toMatch(ADDRESS);
  expect(code).toBe(0);
}, 300_000);
