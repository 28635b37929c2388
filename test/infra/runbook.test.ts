import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import { errorNames } from '../../workflows/errors';
import { lambdaCrashes, lambdaServiceErrors } from '../../workflows/retries';
import { lakeName } from '../../infra/naming';
import { synthesize } from './synthesis';

const page = readFileSync(join(__dirname, '../../docs/runbook.md'), 'utf8');

/** The entries below a heading, each with its text. */
function entriesBelow(heading: string): Map<string, string> {
  const [section = ''] = page.split(`\n## ${heading}\n`)[1]?.split('\n## ') ?? [];
  return new Map(
    section
      .split('\n### ')
      .slice(1)
      .map((entry) => {
        const [name = '', ...lines] = entry.split('\n');
        return [name, lines.join(' ').trim()];
      }),
  );
}

/** Entries about errors that are not ours; the last is for whatever has no entry. */
const FOREIGN = ['Lambda ended early', 'Lambda service error', 'Any other error'];

let pipeline: Template;
beforeAll(() => {
  // Where the nightly is on, every alarm there is exists.
  ({ pipeline } = synthesize({ env: 'prod' }));
}, 120_000);

const alarms = (): { name: string; description: string }[] =>
  Object.values(pipeline.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => ({
    name: String(Properties.AlarmName).replace(`${lakeName('prod')}-`, ''),
    description: String(Properties.AlarmDescription),
  }));

test('every error name has an entry, and no entry is about another', () => {
  expect([...entriesBelow('Errors').keys()]).toEqual([...errorNames, ...FOREIGN]);
});

test('every error of Lambda that is repeated is named by an entry', () => {
  const text = [...entriesBelow('Errors').values()].join(' ');

  for (const name of [...lambdaServiceErrors, ...lambdaCrashes]) expect(text).toContain(name);
});

test('every alarm has an entry, and no entry is about another', () => {
  expect([...entriesBelow('Alarms').keys()].sort()).toEqual(
    alarms()
      .map(({ name }) => name)
      .sort(),
  );
});

test('every entry says more than its name', () => {
  const short = ['Errors', 'Alarms']
    .flatMap((heading) => [...entriesBelow(heading)])
    .filter(([, text]) => text.length < 60);

  expect(short).toEqual([]);
});

test("every alarm's description leads to its entry", () => {
  for (const { name, description } of alarms())
    expect(description).toMatch(new RegExp(`docs/runbook\\.md#${name}$`));
});

test('every link leads to an entry of the page', () => {
  const entries = ['Errors', 'Alarms'].flatMap((heading) => [...entriesBelow(heading).keys()]);
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);

  expect(links.length).toBeGreaterThan(0);
  expect(links.filter((link) => !entries.some((name) => name.toLowerCase() === link))).toEqual([]);
});
