import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { z } from 'zod';
import { freePort } from '../../embedded/gateway/free-port';
import { Person, type Command } from './person';

/*
 * A person with a browser: starts a run that fails, reads why, redrives it and watches it turn green; asks, labels with
 * the keyboard, tries hostile texts, and saves the run as a file.
 */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const axe = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');

const files = mkdtempSync(join(tmpdir(), 'lake-console-'));
let person: Person;
let running: Command;
let browser: Browser;
let page: Page;
let address: string;
let base: string;
let firstBase: string;
const wentTo = new Set<string>();
const said: string[] = [];

const hostile = [
  '<img src=x onerror="document.title=\'taken\'"> what a lovely day',
  '<script>document.title="taken"</script> I hate waiting',
  'turned \u202e around and \u2066 again, love it',
  '=SUM(1,2) "great" news',
  'a plain text about nothing at all',
  'escape \u001b[31m red \u0007 bell, sad',
];

/** Where a console is, as soon as it says so. */
async function addressOf(console: Command): Promise<string> {
  const deadline = Date.now() + 240_000;
  for (;;) {
    await new Promise((go) => setTimeout(go, 300));
    const [, found] =
      /The console is at (http:\/\/127\.0\.0\.1:\d+\/#token=\S+)/.exec(console.output()) ?? [];
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(console.output());
  }
}

beforeAll(async () => {
  if (!existsSync(CHROMIUM)) {
    throw new Error(
      `This drill needs a browser, and there is no ${CHROMIUM}: apt-get install -y chromium, ` +
        'or say with CHROMIUM=/path/to/chromium where it is.',
    );
  }
  const faults = join(files, 'faults.json');
  // X refuses the first search, as an app without access; a later one works.
  writeFileSync(faults, '{"faults": [{"request": 1, "fault": "status", "status": 403}]}');
  process.env['X_FAULTS'] = faults;
  person = await Person.arrive('console');
  running = person.run(['console', '--port', String(await freePort())]);
  address = await addressOf(running);
  base = address.replace(/#.*$/, '');
  firstBase = base;
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  page.setDefaultTimeout(15_000);
  page.on('request', (request) => wentTo.add(new URL(request.url()).origin));
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  page.on('dialog', (dialog) => {
    said.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
}, 300_000);

afterAll(async () => {
  delete process.env['X_FAULTS'];
  await browser?.close();
  await person?.leave();
  rmSync(files, { recursive: true, force: true });
}, 60_000);

const Found = z.object({
  violations: z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) })),
});

/** What axe finds wrong with the page as it is now. */
async function barriers(): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = Found.parse(await page.evaluate('axe.run(document)'));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

const goTo = async (hash: string): Promise<void> => {
  await page.goto(`${base}${hash}`);
  await page.waitForSelector('main h1');
};

test('without the token the page gets no answer, and says what to do', async () => {
  await page.goto(base);

  await page.waitForSelector('[role=alert]');
  expect(await page.textContent('[role=alert]')).toContain(
    'Open the address that npm run console printed',
  );
});

test('a run that fails says why, where, and how to go on; started by keyboard alone', async () => {
  await page.goto(address);
  await page.waitForSelector('text=No run yet');
  expect(page.url()).not.toContain('token');

  await page.focus('summary');
  await page.keyboard.press('Enter');
  await page.waitForSelector('form select');
  await page.keyboard.press('Tab');
  await page.getByRole('textbox', { name: 'training' }).focus();
  await page.keyboard.type('{"epochs": 4}');
  await page.keyboard.press('Enter');

  await page.waitForSelector('.failure', { timeout: 120_000 });
  const failure = await page.textContent('.failure');
  expect(failure).toContain('The state "Ingest tweets" failed.');
  expect(failure).toMatch(/403/);
  expect(failure).toContain('npm run lake -- redrive nightly-');
  expect(await page.textContent('.graph .failed')).toContain('Ingest tweets');
}, 180_000);

test('redriven from the page it turns green, state by state, without a reload', async () => {
  await page.click('text=Redrive from the failed state');
  await page.waitForSelector('.graph .running', { timeout: 60_000 });
  await page.waitForSelector('.status.good', { timeout: 240_000 });

  expect(await page.locator('.graph .failed').count()).toBe(0);
  expect(await page.textContent('.graph .done >> nth=0')).toContain('Plan the run');
  expect(await page.textContent('main')).toContain('redriven 1 ×');

  // A state's input and output are one step away, by keyboard too.
  await page.getByRole('button', { name: 'Evaluate the candidate: done' }).focus();
  await page.keyboard.press('Enter');
  expect(
    await page.locator('.panel').getByRole('region', { name: 'Output of the state' }).textContent(),
  ).toContain('"promote": true');
}, 320_000);

test('the SQL box answers as the analyst, says what is wrong, and gives a file that is safe in spreadsheets', async () => {
  const file = join(files, 'hostile.jsonl');
  const now = Date.now();
  writeFileSync(
    file,
    hostile
      .map((text, index) =>
        JSON.stringify({
          id: String((BigInt(now - 3_600_000 - index * 1000 - 1288834974657) << 22n) + 7n),
          text,
          created_at: new Date(now - 3_600_000 - index * 1000).toISOString(),
          author_id: '77',
          lang: 'en',
        }),
      )
      .join('\n'),
  );
  const imported = await person.lake('import-tweets', file);
  expect(imported.output).toContain('SUCCEEDED');

  await goTo('#/ask');
  await page.fill('textarea', 'select nothing from tweets');
  await page.click('button:text-is("Run")');
  await page.waitForSelector('[role=alert]');
  expect(await page.textContent('[role=alert]')).toMatch(/COLUMN_NOT_FOUND|nothing/);

  await page.fill('textarea', "select text from tweets where author_id = '77' order by tweet_id");
  await page.click('button:text-is("Run")');
  await page.waitForSelector('text=6 rows');
  const download = page.waitForEvent('download');
  await page.click('text=Download CSV');
  const saved = readFileSync(await (await download).path(), 'utf8');

  expect(saved).toContain(`"'=SUM(1,2) ""great"" news"`);
  expect(await page.locator('td').allTextContents()).toContain(
    'turned \\u{202e} around and \\u{2066} again, love it',
  );
  expect(await page.locator('td img').count()).toBe(0);
}, 120_000);

test('five tweets are labelled with the keyboard', async () => {
  await goTo('#/label');
  await page.waitForSelector('.tweet .quoted', { timeout: 30_000 });
  for (const [place, key] of ['1', '3', '2', '3', '1'].entries()) {
    await page.keyboard.press(key);
    await page.waitForSelector(`text=${place + 1} labels stored`);
  }

  // Stored at once: neither another page nor the command line asks for them again.
  await page.reload();
  await page.waitForSelector('.tweet .quoted');
  const [, stored, left] =
    /(\d+) labels stored, ([\d,]+) texts left/.exec((await page.textContent('main')) ?? '') ?? [];
  const { output } = await person.lake('label', '--days', '8');
  expect(stored).toBe('5');
  // The one that the page shows is not among those that are left.
  const unlabelled = Number(left?.replace(',', '')) + 1;
  expect(output).toContain(`${unlabelled.toLocaleString('en-US')} texts without a label`);
}, 120_000);

test('a text of markup and overrides stays a text, and the words say what moved the answer', async () => {
  await goTo('#/model');
  await page.fill('textarea', `${hostile[0]} ${hostile[2]}`);
  await page.click('text=What does the model say?');
  await page.waitForSelector('.words li');
  await page.waitForSelector('.words.rated li');

  expect(await page.locator('.words:not(.rated)').textContent()).toContain('\\u{202e}');
  // Beside the model, what VADER's rules say, with the words that it rates.
  expect(await page.textContent('form')).toMatch(
    /Lexicon \(VADER\): positive, compound score 0\.\d\d/,
  );
  expect(await page.locator('.words.rated bdi').allTextContents()).toEqual(['lovely', 'love']);
  expect(await page.locator('main img, main script').count()).toBe(0);
  expect(await page.title()).not.toBe('taken');
});

test('the audit page says who made the model in service, of which tweets, labels and code', async () => {
  await goTo('#/audit');
  await page.waitForSelector('dl dd');

  const audit = (await page.textContent('main')) ?? '';
  expect(audit).toMatch(/Trained by the run\s*nightly-\d{8}-\d{6}/);
  // CloudTrail of this machine says root, and who redrove it; the person is in the input.
  expect(audit).toMatch(
    /arn:aws:iam::000000000000:root \(by CloudTrail\), with: console; in its input \S+@\S+; redriven by arn:aws:iam::000000000000:root/,
  );
  expect(audit).toMatch(/Code\s*[0-9a-f]{40}/);
  expect(audit).toMatch(/[\d,]+ tweets of \d+ days; human labels: [\d,]+ to train/);
  expect(await page.locator('code:has-text("/raw-data/labels/")').count()).toBeGreaterThan(0);
  expect(await page.locator('li:has-text("manifest:") code').textContent()).toMatch(
    /^s3:\/\/.+\/manifest\.json$/,
  );

  // The link leads to the run, which says the same of its start, and so does the list.
  await page.click('dd a >> nth=0');
  await page.waitForSelector('.graph svg');
  expect(await page.textContent('main')).toContain('root (by CloudTrail), with: console');
  await goTo('#/runs');
  await page.waitForSelector('td:has-text("nightly-")');
  expect(await page.textContent('table')).toMatch(/root, in the input \S+@\S+/);
}, 60_000);

test('the audit page of what is no model says so', async () => {
  await goTo('#/audit/sl-20200101-000000000000');
  await page.waitForSelector('[role=alert]');

  expect(await page.textContent('[role=alert]')).toContain(
    'There is no model "sl-20200101-000000000000"',
  );
});

test('lake history and the question model_origin name the same starter', async () => {
  const history = await person.lake('history', '--json');
  const runs = z
    .array(z.object({ execution: z.string(), startedBy: z.string(), startedWith: z.string() }))
    .parse(JSON.parse(history.output.slice(history.output.indexOf('['))));
  expect(runs.map(({ startedWith }) => startedWith)).toEqual(['command line', 'console']);

  const made = runs.at(-1);
  await goTo('#/audit');
  const version = await page.inputValue('select');
  const origin = await person.lake('query', 'model_origin', '--model-version', version);

  expect(origin.output).toContain(made?.execution);
  expect(origin.output).toContain(made?.startedBy);
  expect(origin.output).toContain('trained and put into service');
}, 120_000);

test('a model shows how it was trained, epoch by epoch, and what its interval stands on', async () => {
  await goTo('#/model');
  await page.click('td a:has-text("sl-")');
  await page.waitForSelector('text=4 epochs; the model is that of epoch');
  await page.click('summary:has-text("The numbers")');

  const numbers = page.getByRole('region', { name: 'Loss and macro recall by epoch' });
  expect(await numbers.locator('tbody tr').count()).toBe(4);
  expect(await page.locator('.pair .chart svg path[stroke]').count()).toBeGreaterThanOrEqual(4);
  await page.waitForSelector('text=more labels of new random texts');
  const [, rows] =
    /stands on ([\d,]+) held-out rows/.exec((await page.textContent('main')) ?? '') ?? [];
  expect(await page.textContent('main')).toContain(`Measured on ${rows} held-out rows`);

  await goTo('#/label');
  await page.waitForSelector('text=Labels that the gate needs');
  await page.waitForSelector(`text=stands on ${rows} held-out rows`);
}, 60_000);

test('every measure of drift has its newest value, its limit and what changed', async () => {
  await goTo('#/model');
  await page.waitForSelector('.measure');

  expect(await page.locator('.measure h3').allTextContents()).toEqual([
    'model labels',
    'lexicon labels',
    'confidence',
    'words unknown to the model',
    'length',
    'languages',
    'agreement of model and lexicon',
    'agreement of model and people',
    'agreement of lexicon and people',
    'a new word',
  ]);
  const values = await page.locator('.measure p:not(.changed)').allTextContents();
  const changes = await page.locator('.measure .changed').allTextContents();
  expect([values.length, changes.length]).toEqual([10, 10]);
  for (const value of values) expect(value).toMatch(/^(none|\d\.\d{3}) of 0\.\d/);
  for (const change of changes) expect(change).toMatch(/before.*now|too few tweets|no word/);
});

test('what is missing says why: the epochs of an older release, the drift of a first run', async () => {
  const Model = z.looseObject({ evaluation: z.looseObject({ training_curve: z.unknown() }) });
  await page.route('**/api/models/sl-*', async (route) => {
    const response = await route.fetch();
    const { evaluation, ...model } = Model.parse(await response.json());
    const { training_curve: left, ...older } = evaluation;
    expect(left).toBeDefined();
    await route.fulfill({ response, json: { ...model, evaluation: older } });
  });
  const reason = 'no model is in service yet';
  const run = { runId: 'one', execution: 'nightly-1', date: '2026-11-29' };
  const first = { ...run, drift: { status: 'NOT_COMPARED', reason } };
  await page.route('**/api/drift', (route) =>
    route.fulfill({ json: { runs: [first], lookedAt: 1, unreadable: 0 } }),
  );

  await goTo('#/model');
  // The page before was this one: only a new page asks again.
  await page.reload();
  await page.waitForSelector(`text=The newest run compared nothing: ${reason}. The first run has`);
  await page.click('td a:has-text("sl-")');
  await page.waitForSelector('text=a release that did not record its epochs');
  await page.unrouteAll();
});

test('two models side by side: the page and the command line say the same', async () => {
  await goTo('#/model');
  await page.waitForSelector('text=Only one model is registered');
  const { output } = await person.lake('retrain', '--input', '{"training":{"epochs":2}}');
  expect(output).toContain('SUCCEEDED');
  await page.reload();
  await page.click('button:text-is("Compare")');
  await page.waitForSelector('text=Tweets that they read differently', { timeout: 60_000 });

  const chosen = await page.evaluate(
    "[...document.querySelectorAll('form select')].map((one) => one.value)",
  );
  const [first, second] = z.tuple([z.string(), z.string()]).parse(chosen);
  const compared = await person.lake('models', 'compare', first, second);
  const [sentence = 'none'] = /Second minus first: .*/.exec(compared.output) ?? [];
  const shown = await page.textContent('main');
  expect(sentence).toMatch(/points of macro recall .* at 95 %: (more than|may be) chance/);
  expect(shown).toContain(sentence);
  expect(await page.locator('tbody tr:has-text("its interval") td').count()).toBe(3);
}, 240_000);

test.each(['#/runs', '#/lake', '#/ask', '#/model', '#/audit', '#/label'])(
  '%s is fit for all: axe finds nothing, light and dark; nothing is cut off on a narrow screen',
  async (hash) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await goTo(hash);
      await page.waitForSelector('main [role=status]:has-text("Loading")', {
        state: 'detached',
        timeout: 30_000,
      });
      expect(await barriers()).toEqual([]);
    }
    await page.setViewportSize({ width: 360, height: 700 });
    expect(
      await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      ),
    ).toBe(0);
    await page.setViewportSize({ width: 1200, height: 800 });
  },
  120_000,
);

test('a run is kept as one file that shows the same without a server', async () => {
  await goTo('#/runs');
  await page.click('td a:has-text("nightly-")');
  await page.waitForSelector('.graph svg');
  const download = page.waitForEvent('download');
  await page.click('text=Save this run as one file');
  const kept = join(files, 'kept.html');
  await (await download).saveAs(kept);
  const before = said.length;

  await page.goto(`${pathToFileURL(kept)}#/runs`);
  await page.click('td a:has-text("nightly-")');
  await page.waitForSelector('.graph .done');
  await page.goto(`${pathToFileURL(kept)}#/lake`);
  await page.waitForSelector('.chart svg');
  await page.goto(`${pathToFileURL(kept)}#/audit`);
  await page.waitForSelector('dl dd:has-text("by CloudTrail")');
  await page.goto(`${pathToFileURL(kept)}#/model`);
  await page.waitForSelector('.measure .chart svg');
  // The file holds the models of its run and in service, not every one.
  await page.click('tr:has-text("✓ yes") td a:has-text("sl-")');
  await page.waitForSelector('.pair .chart svg');

  expect(said.slice(before)).toEqual([]);
  expect(readFileSync(kept, 'utf8')).not.toContain(address.split('token=')[1]);
}, 60_000);

test('started again, it still says who made the model', async () => {
  person.interrupt();
  await running.ended;
  running = person.run(['console', '--port', String(await freePort())]);
  address = await addressOf(running);
  base = address.replace(/#.*$/, '');

  await page.goto(address);
  await page.waitForSelector('td a:has-text("nightly-")');
  await goTo('#/audit');
  await page.waitForSelector('dl dd');

  expect(await page.textContent('main')).toMatch(/root \(by CloudTrail\), with: console/);
}, 300_000);

test('the page asked nobody but its server, and nothing in a tweet was carried out', () => {
  expect([...wentTo].filter((origin) => origin !== 'null').sort()).toEqual(
    [firstBase, base].map((one) => new URL(one).origin).sort(),
  );
  expect(said.filter((line) => !/status of 4\d\d/.test(line))).toEqual([]);
});
