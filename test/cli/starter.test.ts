import { claimed, describeStarter, type Starter } from '../../cli/run/starter';

const ADA = 'arn:aws:sts::111122223333:assumed-role/Admin/ada';
const starter = (changes: Partial<Starter>): Starter => ({
  started_by: ADA,
  started_by_source: 'CloudTrail',
  started_with: 'command line',
  claimed_by: ADA,
  redriven_by: null,
  ...changes,
});

test.each<[string, Partial<Starter>]>([
  ['assumed-role/Admin/ada', {}],
  [
    'root, in the input ada@laptop',
    {
      started_by: 'arn:aws:iam::000000000000:root',
      claimed_by: 'ada@laptop',
    },
  ],
  [
    'assumed-role/Admin/ada, in the input EventBridge',
    { claimed_by: 'EventBridge', started_with: 'other' },
  ],
  ['assumed-role/Admin/ada', { claimed_by: null, started_with: 'other' }],
  ['ada@laptop, says the input', { started_by: 'ada@laptop', started_by_source: 'input' }],
  ['schedule', { started_with: 'schedule', claimed_by: 'EventBridge' }],
  [
    'schedule, says the input',
    {
      started_by: 'EventBridge',
      started_by_source: 'input',
      started_with: 'schedule',
    },
  ],
  ['unknown', { started_by: null, started_by_source: 'unknown', claimed_by: null }],
])('"%s" tells proof from claim', (text, changes) => {
  expect(describeStarter(starter(changes))).toBe(text);
});

test('of an execution without a row the input says who started it', () => {
  const input = JSON.stringify({ startedBy: { who: 'ada@laptop', with: 'console' } });

  expect(claimed(input)).toMatchObject({ started_by: 'ada@laptop', started_by_source: 'input' });
  expect(claimed(undefined)).toMatchObject({ started_by: null, started_by_source: 'unknown' });
  expect(claimed('no JSON')).toMatchObject({ started_by_source: 'unknown' });
});
