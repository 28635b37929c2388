import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import ignored from '../../../tools/locks/ignored-advisories.json';
import { newFolder, root, runNode } from '../../cli/setup/run';

const answers = pathToFileURL(join(root, 'tools/locks/audit-answers.mjs')).href;

async function evaluate(expression: string): Promise<unknown> {
  const code = `const m = await import('${answers}'); console.log(JSON.stringify(${expression}))`;
  const { lines } = await runNode(['--input-type=module', '-e', code]);
  return JSON.parse(lines.join('\n'));
}
const said = (reader: 'npmAnswer' | 'pipAnswer', report: unknown) =>
  evaluate(`m.${reader}(${JSON.stringify(JSON.stringify(report))})`);

// In the form of npm 11's reports.
const advisory = {
  source: 1,
  name: 'tar',
  title: 'Writes outside of its folder',
  url: 'https://advisories.example/GHSA-aaaa-bbbb-cccc',
  severity: 'high',
};
const npmReport = {
  vulnerabilities: {
    tar: { name: 'tar', severity: 'high', via: [advisory] },
    packer: { name: 'packer', severity: 'high', via: ['tar'] },
  },
  metadata: { vulnerabilities: { high: 2 } },
};

test('an advisory counts once, under its own package', async () => {
  expect(await said('npmAnswer', npmReport)).toEqual({
    findings: [
      {
        name: 'tar',
        id: 'GHSA-aaaa-bbbb-cccc',
        severity: 'high',
        what: 'Writes outside of its folder',
      },
    ],
  });
});

test.each([
  ['npmAnswer', { vulnerabilities: {}, metadata: { dependencies: { total: 500 } } }],
  ['pipAnswer', { dependencies: [{ name: 'numpy', version: '2.4.6', vulns: [] }] }],
] as const)('%s: a report without findings is clean', async (reader, report) => {
  expect(await said(reader, report)).toEqual({ findings: [] });
});

test.each([
  ['npmAnswer', { message: '405 Method Not Allowed' }, /405/],
  ['npmAnswer', { error: { summary: 'request failed' } }, /request failed/],
  ['pipAnswer', { dependencies: [] }, /no package/],
  [
    'pipAnswer',
    { dependencies: [{ name: 'numpy', skip_reason: 'not found on the index' }] },
    /no answer about any package: not found/,
  ],
  [
    'pipAnswer',
    {
      dependencies: [
        { name: 'numpy', version: '2.4.6', vulns: [] },
        { name: 'torch', skip_reason: 'not found on the index' },
      ],
    },
    /1 of 2 packages \(torch\)/,
  ],
] as const)('%s: %j is no clean bill', async (reader, report, why) => {
  expect(await said(reader, report)).toEqual({
    findings: [],
    unanswered: expect.stringMatching(why),
  });
});

test.each(['npmAnswer', 'pipAnswer'])('%s: no report at all is no clean bill', async (reader) => {
  expect(await evaluate(`m.${reader}('')`)).toMatchObject({ unanswered: expect.any(String) });
});

const finding = { name: 'tar', id: 'CVE-1', aliases: ['GHSA-1'], severity: 'high', what: '' };
const until = (id: string, day: string) => ({ id, until: day });

test('a serious finding stands in what runs, until it is named with a day to come', async () => {
  const cases = [
    { found: finding, runtime: true, ignored: [], stands: true },
    { found: { ...finding, severity: 'critical' }, runtime: true, ignored: [], stands: true },
    { found: { ...finding, severity: 'moderate' }, runtime: true, ignored: [], stands: false },
    { found: finding, runtime: false, ignored: [], stands: false },
    { found: finding, runtime: true, ignored: [until('GHSA-1', '2026-11-28')], stands: false },
    { found: finding, runtime: true, ignored: [until('GHSA-1', '2026-11-27')], stands: true },
    { found: finding, runtime: true, ignored: [until('GHSA-2', '2027-01-01')], stands: true },
  ];

  const stands = await evaluate(
    `${JSON.stringify(cases)}.map(({ found, runtime, ignored }) =>
      m.standing({ findings: [found], runtime }, ignored, '2026-11-28').length > 0)`,
  );

  expect(stands).toEqual(cases.map((one) => one.stands));
});

test('each exception says why, and until when', () => {
  const Exception = z.strictObject({
    id: z.string().regex(/^(GHSA|CVE|PYSEC)-/),
    package: z.string().min(1),
    reason: z.string().min(20),
    until: z.iso.date(),
  });

  expect(() => z.array(Exception).parse(ignored)).not.toThrow();
});

/** The whole command, with an npm on the PATH that prints a report and fails as npm does. */
async function audit(report: unknown) {
  const bin = join(newFolder(), 'bin');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'npm'),
    `#!/bin/sh\ncat <<'END'\n${JSON.stringify(report)}\nEND\nexit 1\n`,
  );
  chmodSync(join(bin, 'npm'), 0o755);
  return runNode([join(root, 'tools/locks/audit.mjs'), 'npm'], {
    PATH: `${bin}:${process.env.PATH}`,
  });
}

test('the command fails on a serious finding in what runs, and names it', async () => {
  const { code, lines } = await audit(npmReport);

  expect(lines).toContainEqual(
    '✗ npm, what runs: tar, GHSA-aaaa-bbbb-cccc (high): Writes outside of its folder',
  );
  expect(code).toBe(1);
});

test('the command says that it got no answer, and does not fail for it', async () => {
  const { code, lines } = await audit({ message: '405 Method Not Allowed' });

  expect(lines.filter((line) => line.startsWith('✓'))).toEqual([]);
  expect(lines).toContainEqual(
    '? npm, what runs: no answer from the registry. 405 Method Not Allowed',
  );
  expect(code).toBe(0);
});

test('the locks of tests, tools and installers do not count as what runs', async () => {
  const locks = pathToFileURL(join(root, 'tools/locks/python-locks.mjs')).href;
  const code = `const m = await import('${locks}'); console.log(JSON.stringify(m.locks.map(({ lock }) => lock).filter((lock) => !m.isRuntime(lock))))`;
  const { lines } = await runNode(['--input-type=module', '-e', code]);

  expect(JSON.parse(lines.join('\n'))).toEqual([
    'cli/setup/installers.txt',
    'test/requirements.txt',
    'tools/locks/tools.txt',
  ]);
});
