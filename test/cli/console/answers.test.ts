import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { parse } from 'csv-parse/sync';
import { withLiterals } from '../../../cli/console/lake';
import { buildPage, frozenPage } from '../../../cli/console/page';
import { z } from 'zod';
import { answersFor, frozenRun, questionKey } from '../../../cli/console/freeze';
import type { Route } from '../../../cli/console/route';
import { visitsOf, withPayloads } from '../../../cli/console/visits';
import { csvCell, csvOf } from '../../../console/page/csv';
import { executionParameters } from '../../../queries/query';
import { renderedCatalog } from '../../../queries/catalog';

test('a statement is shown as a person can run it', () => {
  for (const query of renderedCatalog().filter(({ kind }) => kind === 'question')) {
    const values = Object.fromEntries(
      query.parameters.filter((one) => one.default === null).map(({ name }) => [name, 'en']),
    );
    const literals = executionParameters(query, values);
    const shown = withLiterals(query.sql, literals);

    expect(shown.replaceAll(/'[^']*'|--.*$/gm, '')).not.toContain('?');
    for (const literal of literals) expect(shown).toContain(literal);
  }
});

test('a cell of a CSV is no formula, and every table reads back', () => {
  expect(csvCell('=1+1')).toBe("'=1+1");
  expect(csvCell('@SUM(A1)')).toBe("'@SUM(A1)");
  expect(csvCell('-12.5')).toBe('-12.5');
  expect(csvCell('-12.5 apples')).toBe("'-12.5 apples");
  expect(csvCell(null)).toBe('');

  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string())), (rows) => {
      const table = { columns: ['a', 'b'], rows };
      const read: unknown = parse(csvOf(table), { relax_column_count: true });
      const safe = (cell: string) => csvCell(cell).replace(/^"|"$/g, '').replaceAll('""', '"');
      expect(read).toEqual([
        ['a', 'b'],
        ...rows.map((row) =>
          row.map((cell) => (/[",\n\r]/.test(cell) ? safe(cell) : csvCell(cell))),
        ),
      ]);
    }),
  );
});

test('the tries of a state belong to its pass; a pass that was cut off has no exit', () => {
  const at = (seconds: number) => new Date(seconds * 1000);
  const visits = visitsOf([
    { id: 1, type: 'ExecutionStarted', timestamp: at(0) },
    {
      id: 2,
      type: 'TaskStateEntered',
      timestamp: at(1),
      stateEnteredEventDetails: { name: 'Crawl raw data', input: '{"a":1}' },
    },
    {
      id: 3,
      type: 'LambdaFunctionFailed',
      timestamp: at(2),
      lambdaFunctionFailedEventDetails: {
        error: 'ServiceBusy',
        cause: '{"errorMessage":"Glue is busy"}',
      },
    },
    {
      id: 4,
      type: 'TaskStateExited',
      timestamp: at(5),
      stateExitedEventDetails: { name: 'Crawl raw data', output: '{"a":2}' },
    },
    {
      id: 5,
      type: 'TaskStateEntered',
      timestamp: at(6),
      stateEnteredEventDetails: { name: 'Clean tweets', input: '{"a":2}' },
    },
    {
      id: 6,
      type: 'LambdaFunctionFailed',
      timestamp: at(7),
      lambdaFunctionFailedEventDetails: { error: 'CleaningFailed', cause: 'no more space' },
    },
    {
      id: 7,
      type: 'ExecutionFailed',
      timestamp: at(7),
      executionFailedEventDetails: { error: 'CleaningFailed', cause: 'no more space' },
    },
  ]);

  expect(visits).toEqual([
    {
      state: 'Crawl raw data',
      enteredAt: 1000,
      exitedAt: 5000,
      input: '{"a":1}',
      output: '{"a":2}',
      errors: [{ error: 'ServiceBusy', cause: 'Glue is busy' }],
    },
    {
      state: 'Clean tweets',
      enteredAt: 6000,
      exitedAt: null,
      input: '{"a":2}',
      output: null,
      errors: [{ error: 'CleaningFailed', cause: 'no more space' }],
    },
  ]);
});

test('a payload that is handed on is kept once, and each pass finds its own', () => {
  const pass = { state: 'a', enteredAt: 1, exitedAt: 2, errors: [] };

  const { visits, payloads } = withPayloads([
    { ...pass, input: '{"a":1}', output: '{"a":2}' },
    { ...pass, state: 'b', input: '{"a":2}', output: null },
    { ...pass, state: 'b', input: '{"a":2}', output: '{"a":1}' },
  ]);

  expect(payloads).toEqual(['{"a":1}', '{"a":2}']);
  expect(visits.map(({ input, output }) => [input, output])).toEqual([
    [0, 1],
    [1, null],
    [1, 0],
  ]);
});

describe('a file about a run', () => {
  const get = (path: RegExp, answer: Route['answer']): Route => ({ method: 'GET', path, answer });
  const version = 'sl-20261124-aaaaaaaaaaaa';
  const uri = `s3://lake/model-outputs/${version}/evaluation.json`;
  const routes: Route[] = [
    get(/^\/api\/overview$/, async () => ({ modelInService: 'sl-2', mayAct: true })),
    get(/^\/api\/runs\/(night)$/, async () => ({ records: [{ what: 'evaluation', uri }] })),
    get(/^\/api\/models\/([\w-]+)$/, async ([name]) => ({ name })),
    get(/^\/api\/lake$/, async () => {
      throw new Error('no such bucket');
    }),
    {
      method: 'POST',
      path: /^\/api\/questions\/([a-z_]+)$/,
      answer: async ([name], body) => ({ name, body }),
    },
  ];

  test('holds the run, its model and the one in service, and the questions as the page asks them', async () => {
    const { answers } = await answersFor(routes, 'night');

    expect(answers['/api/overview']).toMatchObject({ isFrozen: true, mayAct: false });
    expect(answers[`/api/models/${version}`]).toEqual({ name: version });
    expect(answers['/api/models/sl-2']).toEqual({ name: 'sl-2' });
    expect(answers[questionKey('daily_sentiment')]).toEqual({
      name: 'daily_sentiment',
      body: { values: {} },
    });
  });

  test('tells what it lacks and why, and is refused for a run that is not there', async () => {
    const { answers, missing } = await answersFor(routes, 'night');

    expect(missing).toEqual([{ path: '/api/lake', why: 'no such bucket' }]);
    expect(answers).not.toHaveProperty('/api/lake');
    await expect(answersFor(routes, 'no-night')).rejects.toThrow('There is no run "no-night".');
  });

  test('opens at the run', async () => {
    const page = buildPage(resolve(__dirname, '..', '..', '..'));
    const { answers } = await answersFor(routes, 'night');
    const html = frozenRun(page, 'night', answers);
    const [, held] = /id="answers">(.*)<\/script>/.exec(html) ?? [];

    expect(html).toContain('data-place="#/runs/night"');
    expect(z.looseObject({}).parse(JSON.parse(held ?? ''))).toEqual(
      JSON.parse(JSON.stringify(answers)),
    );
    expect(html).toContain(
      `http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-`,
    );
  });
});

describe('the page', () => {
  const page = buildPage(resolve(__dirname, '..', '..', '..'));

  test('names no other host and stays small', () => {
    const sent = [...page.files.values()].map(({ body }) => body).join('\n');
    const hosts = [...sent.matchAll(/https?:\/\/([\w.-]+)/g)].map(([, host]) => host);

    // Names of XML's namespaces, and of places that error messages name: nothing is loaded from them.
    expect([...new Set(hosts)].filter((host) => host !== 'www.w3.org')).toEqual([]);
    expect(gzipSync(sent).length).toBeLessThan(300_000);
  });

  test('nothing in an answer can end the script that holds it', () => {
    const html = frozenPage(page, {
      title: '</title><script>1</script>',
      place: '"><script>2</script>',
      answers: { '/api/runs': [{ name: '</script><script>alert(1)</script><!--<script>' }] },
    });

    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html).not.toContain('<script>alert');
    expect(html).not.toContain('</title><script>1');
    expect(html).not.toContain('<script>2');
  });
});
