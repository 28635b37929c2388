import { settingsFor } from '../../../infra/config';
import {
  describeFinding,
  imageFindings,
  peopleFindings,
  quotaFindings,
} from '../../../local/account/preflight';
import { shapeProblem } from '../../../local/account/token';

const dev = settingsFor('dev');
const prod = settingsFor('prod');
const serverless =
  'Maximum total concurrency that can be allocated across all serverless endpoints';

test('quotas that are large enough give no finding', () => {
  const quotas = new Map([
    ['ml.m5.xlarge for spot training job usage', 1],
    [serverless, 10],
  ]);

  expect(quotaFindings(quotas, dev, 'us-east-1')).toEqual([]);
});

test('another quota of serverless endpoints is not taken for the one that counts', () => {
  const quotas = new Map([
    ['Maximum total provisioned concurrency across all serverless endpoints', 0],
    ['ml.m5.xlarge for spot training job usage', 1],
    [serverless, 10],
  ]);

  expect(quotaFindings(quotas, dev, 'us-east-1')).toEqual([]);
});

test('a quota of 0 is an error that says what to ask for, and where', () => {
  const quotas = new Map([
    ['ml.m5.xlarge for spot training job usage', 0],
    [serverless, 10],
  ]);

  const [finding, ...others] = quotaFindings(quotas, dev, 'eu-west-1');

  expect(others).toEqual([]);
  expect(finding?.level).toBe('error');
  expect(finding && describeFinding(finding)).toMatch(
    /spot training job usage" is 0; 1 is needed[\s\S]*eu-west-1[\s\S]*ask for 1/,
  );
});

test('the quota of on-demand training does not count where spot is on', () => {
  const quotas = new Map([
    ['ml.m5.xlarge for training job usage', 5],
    [serverless, 10],
  ]);

  expect(quotaFindings(quotas, dev, 'us-east-1').map(({ level, what }) => [level, what])).toEqual([
    ['warning', expect.stringContaining('was not checked')],
  ]);
});

test('a real-time endpoint needs twice its instances: the new ones start beside the old', () => {
  const { instanceType, instances } = prod.endpoint;
  const quotas = new Map([
    [`${prod.training.instanceType} for training job usage`, 1],
    [`${instanceType} for endpoint usage`, 2 * instances - 1],
  ]);

  expect(quotaFindings(quotas, prod, 'us-east-1').map(({ level }) => level)).toEqual(['error']);
});

test.each([
  ['', 'is empty'],
  ['k#9(pq.Wm{2Z]x~VrT!b8$Lc;Nf^Hd*', 'random text'],
  ['AAAAshort', 'has 9 characters'],
])('%j is refused as a token', (text, reason) => {
  expect(shapeProblem(text)).toContain(reason);
});

test('a text of the shape of a bearer token may be one, its line end aside', () => {
  expect(shapeProblem(`AAAAAAAAAAAAAAAAAAAAA${'Ab1%2F'.repeat(15)}\n`)).toBeNull();
});

test('an image with CUDA is said before it is built, and is none with the index of CPU files', () => {
  const cpu = settingsFor('dev', { torchIndexUrl: 'https://packages.example/cpu' });

  expect(imageFindings(dev)).toEqual([
    expect.objectContaining({ level: 'warning', what: expect.stringContaining('CUDA') }),
  ]);
  expect(imageFindings(cpu)).toEqual([]);
});

test('roles that nobody may take on are said before a deployment', () => {
  const some = { ...prod.people, analysts: ['arn:aws:iam::111122223333:role/analysts'] };
  const said = (people: typeof prod.people) => peopleFindings({ people }).map(describeFinding);

  expect(said(prod.people)).toEqual([
    expect.stringMatching(/^warning: .*roles of analysts, labellers, forgetters, forceGranters:/),
  ]);
  expect(said(some)).toEqual([expect.stringMatching(/roles of labellers, forgetters/)]);
  expect(said(dev.people)).toEqual([]);
});
