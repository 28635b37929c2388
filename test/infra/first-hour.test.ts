import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { lakeName, stackName } from '../../infra/naming';
import { dollars } from '../../cli/costs/money';
import { prices } from '../../cli/costs/prices';
import { violations } from '../../embedded/gateway/calls/constraints';
import { Models, type ServiceModel } from '../../embedded/gateway/calls/models';
import { synthesize } from './synthesis';

/*
 * docs/first-hour.md is typed into an account by a person who pays for it: every call has to be one that its service
 * takes, and every name one that the templates make. What AWS answers, no test can know.
 */
const root = resolve(__dirname, '../..');
const page = readFileSync(join(root, 'docs/first-hour.md'), 'utf8');
const models = Models.of(join(root, '.venv/bin/python'));

const steps = page.split(/^## /m).slice(2);
const blocks = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, code = '']) => code);

const variables = {
  ACCOUNT: '111122223333',
  AWS_REGION: 'us-east-1',
  KEY: 'arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000',
  BUCKET: 'sentimentlake-dev-data-lakebucket-x',
  SECRET: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:x',
};

/** The arguments of each `aws` that bash would run, by bash itself; each word on a line of its own, as JSON. */
function calls(block: string): string[][] {
  const script = `
    aws() { node -e 'console.error(JSON.stringify(process.argv.slice(1)))' -- "$@"; echo '<answer>'; }
    npm() { :; }; npx() { :; }; sleep() { :; }
    ${Object.entries(variables)
      .map(([name, value]) => `${name}='${value}'`)
      .join('\n')}
    exec 2>&1 1>/dev/null
    ${block}
    true`;
  const printed = execFileSync('bash', ['--norc', '-euc', script], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  return printed
    .split('\n')
    .filter((line) => line.startsWith('['))
    .map((line) => z.array(z.string()).parse(JSON.parse(line)));
}

/** Options of the AWS CLI itself. */
const ownOptions = new Set(['--query', '--output', '--max-items']);
const withoutHyphens = (name: string) => name.replace(/-/g, '').toLowerCase();

/** The input that the AWS CLI makes of the options; throws for an option that the operation does not have. */
function inputOf(model: ServiceModel, shape: string, options: readonly string[]): unknown {
  const members = model.shapes[shape]?.members ?? {};
  const input: Record<string, unknown> = {};
  for (let at = 0; at < options.length; at += 1) {
    const option = options[at] ?? '';
    const value = options[at + 1];
    const takesValue = value !== undefined && !value.startsWith('--');
    if (takesValue) at += 1;
    if (ownOptions.has(option)) continue;
    const member = Object.keys(members).find(
      (name) => withoutHyphens(name) === withoutHyphens(option.replace(/^--/, '')),
    );
    if (member === undefined) throw new Error(`${shape} has no member for ${option}`);
    const type = model.shapes[members[member]?.shape ?? '']?.type ?? '';
    const isJson = takesValue && ['structure', 'list', 'map'].includes(type);
    input[member] = !takesValue ? true : isJson ? JSON.parse(value) : value;
  }
  return input;
}

test('every call is one that its service takes', () => {
  const all = blocks.flatMap(calls);

  const wrong = all.flatMap(([service = '', command = '', ...options]) => {
    const model = models.get(service);
    const operation = Object.values(model.operations).find(
      ({ name }) => withoutHyphens(name) === withoutHyphens(command),
    );
    if (operation === undefined) return [`aws ${service} has no ${command}`];
    const shape = operation.input?.shape ?? '';
    return violations(model, shape, inputOf(model, shape, options), 'sdk').map(
      (violation) => `aws ${service} ${command}: ${JSON.stringify(violation)}`,
    );
  });

  expect(wrong).toEqual([]);
  expect(new Set(all.map(([service]) => service))).toEqual(
    new Set([
      'sts',
      'budgets',
      'kms',
      'cloudformation',
      'glue',
      'athena',
      'sagemaker',
      'sqs',
      'events',
      'secretsmanager',
      'cloudtrail',
    ]),
  );
});

test('every name is one that the templates make', () => {
  const { data, pipeline } = synthesize({ env: 'dev' });
  const made = JSON.stringify([data.toJSON(), pipeline.toJSON()]);
  const names = [
    ...[...page.matchAll(/role\/([\w-]+)/g)].map(([, name = '']) => name),
    ...[...page.matchAll(/alias\/[\w-]+/g)].map(([name]) => name),
    ...[...page.matchAll(/"DatabaseName":"(\w+)","Tables":\["(\w+)"\]/g)].flatMap(
      ([, database = '', table = '']) => [database, table],
    ),
    'PeopleReproduceThroughSageMaker',
    'EventsReachTheDeadLetterQueue',
    'TokenSecretArn',
    lakeName('dev', 'training'),
    '/aws/codebuild/sentiment-lake-dev-images',
  ];

  expect(names.filter((name) => !made.includes(`"${name}"`))).toEqual([]);
  expect(names.length).toBeGreaterThan(8);
  const buckets = Object.keys(data.findResources('AWS::S3::Bucket'));
  expect(buckets.filter((id) => id.startsWith('LakeBucket'))).toHaveLength(1);
  for (const [stack] of page.matchAll(/SentimentLake-\w+-\w+/g))
    expect([stackName('dev', 'Data'), stackName('dev', 'Pipeline')]).toContain(stack);
});

test.each(steps.map((step) => [step.split('\n')[0] ?? '', step]))(
  '%s says what is to be seen, what to do if not, and what it costs',
  (_, step) => {
    for (const part of ['- **See**', '- **If not**', '- **Costs**']) expect(step).toContain(part);
  },
);

test('a crawl and a query cost what the list of prices says', () => {
  expect(page).toContain(`**Costs** ${dollars((2 / 6) * prices.gluePerDpuHour)}: two DPU`);
  expect(page).toContain(`**Costs** $${(2 * 10e6 * prices.athenaPerTb) / 1e12}`);
});
