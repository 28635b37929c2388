import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser } from 'playwright-core';

/**
 * `npm run screenshots -- <address of a running console>` draws the console's pages into docs/pictures/, and `npm run
 * screenshots -- <report.html of a run>` the run's report. The address is what `npm run console` prints. Needs Chromium
 * (CHROMIUM names another place).
 */
const folder = join(__dirname, '../../docs/pictures');
const mostBytes = 100_000;

const shots = [
  {
    name: 'console-run',
    hash: '#/runs',
    follow: 'td a:has-text("nightly-")',
    wait: '.graph .done',
    width: 1100,
    height: 830,
  },
  { name: 'console-lake', hash: '#/lake', wait: 'section > .chart svg', width: 1100, height: 900 },
  {
    name: 'console-model',
    hash: '#/model',
    wait: '.chart svg',
    width: 1100,
    height: 760,
    text: 'I am not happy with this service',
  },
  {
    name: 'console-drift',
    hash: '#/model',
    wait: '.measure .chart svg',
    scroll: 'Drift',
    width: 1100,
    height: 620,
  },
  {
    name: 'console-curves',
    hash: '#/model',
    follow: 'td a:has-text("sl-")',
    wait: '.pair .chart svg',
    scroll: 'Training, epoch by epoch',
    width: 1100,
    height: 380,
  },
  {
    name: 'console-compare',
    hash: '#/model',
    wait: '.chart svg',
    press: 'button:text-is("Compare")',
    then: 'text=Tweets that they read differently',
    scroll: 'Compare two models',
    width: 1100,
    height: 560,
  },
  { name: 'console-audit', hash: '#/audit', wait: 'dl dd', width: 1100, height: 720 },
  { name: 'console-dark', hash: '#/label', wait: '.tweet', width: 420, height: 640, dark: true },
] as const;

/** Throws Error if a picture is too large for the repository. */
function checkSize(path: string): void {
  const { size } = statSync(path);
  if (size > mostBytes) throw new Error(`${path} has ${size} bytes, more than ${mostBytes}.`);
}

/** The first screen of a run's report. */
async function drawReport(browser: Browser, file: string): Promise<void> {
  const page = await browser.newPage({
    viewport: { width: 1100, height: 890 },
    colorScheme: 'light',
    reducedMotion: 'reduce',
  });
  await page.goto(pathToFileURL(resolve(file)).href);
  await page.waitForSelector('.graph .done');
  await page.waitForSelector('.chart svg');
  const path = join(folder, 'report.png');
  await page.screenshot({ path });
  await page.close();
  checkSize(path);
}

async function main(source: string): Promise<void> {
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  try {
    if (source.endsWith('.html')) {
      await drawReport(browser, source);
      return;
    }
    const address = source;
    for (const shot of shots) {
      const page = await browser.newPage({
        viewport: { width: shot.width, height: shot.height },
        colorScheme: 'dark' in shot ? 'dark' : 'light',
        reducedMotion: 'reduce',
      });
      await page.goto(address);
      await page.waitForSelector('main h1');
      await page.goto(`${address.replace(/#.*$/, '')}${shot.hash}`);
      if ('follow' in shot) await page.click(shot.follow);
      await page.waitForSelector(shot.wait, { timeout: 60_000 });
      if ('text' in shot) {
        await page.fill('textarea', shot.text);
        await page.click('form button');
        await page.waitForSelector('.words li');
        await page.waitForSelector('.words.rated li');
      }
      if ('press' in shot) {
        await page.click(shot.press);
        await page.waitForSelector(shot.then, { timeout: 60_000 });
      }
      // What is still asked for would move the page below it.
      await page.waitForSelector('main [role=status]:has-text("Loading")', { state: 'detached' });
      if ('scroll' in shot)
        await page.evaluate(
          `[...document.querySelectorAll('h2')].find((one) => one.textContent === '${shot.scroll}').scrollIntoView()`,
        );
      const path = join(folder, `${shot.name}.png`);
      await page.screenshot({ path });
      await page.close();
      checkSize(path);
    }
  } finally {
    await browser.close();
  }
}

void main(process.argv[2] ?? '');
