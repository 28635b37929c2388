import { rowsOf } from '../../../cli/rehearsal/calls';
import { checked } from '../../../cli/rehearsal/coverage';
import type { RecordedLine } from '../../../cli/rehearsal/recorded';
import { callTable, describeCoverage } from '../../../cli/rehearsal/table';

const decided = { action: 's3:GetObject', resource: 'arn:aws:s3:::<bucket>/a' };
const lines: RecordedLine[] = [
  { api: 's3:HeadObject', by: 'AnalyticsRole', permission: 's3:GetObject' },
  { role: 'AnalyticsRole', ...decided },
  { role: 'AnalyticsRole', ...decided, resource: 'arn:aws:s3:::<bucket>/b', denied: true },
  { api: 'lambda:UpdateEventSourceMapping', by: 'ModelOperatorRole', permission: null },
  { role: 'MachineRole', action: 'lambda:InvokeFunction', resource: 'f' },
  { api: 's3:ListBuckets', by: 'user/administrator', permission: 's3:ListAllMyBuckets' },
  { person: 'user/administrator', action: 's3:ListAllMyBuckets', resource: '*' },
  { api: 'servicequotas:List', by: 'user/administrator', permission: null },
  { api: 'cloudformation:ExecuteChangeSet', by: 'user/administrator', permission: null },
  { api: 'athena:StartQueryExecution', by: 'AnalyticsRole', permission: 'kms:Decrypt', via: 's3' },
  { role: 'AnalyticsRole', ...decided, action: 'kms:Decrypt', via: 's3' },
  { role: 'StreamRole', ...decided, action: 'kms:Decrypt', via: 'kinesis', denied: true },
  { api: 'glue:GetJob', by: 'root', permission: 'glue:GetJob' },
];
const simulated = new Set(['AnalyticsRole s3:GetObject']);
const rows = checked(rowsOf(lines), simulated);

test('a call is one row with the permissions that were checked for it', () => {
  expect(rows.find(({ api }) => api === 's3:HeadObject')).toMatchObject({
    who: 'AnalyticsRole',
    permissions: ['s3:GetObject'],
    denied: true,
    checks: ['service model', 'IAM here', 'policy simulation'],
  });
});

test('what a service asks after the request was answered is a row without an operation', () => {
  expect(rows.find(({ who }) => who === 'MachineRole')).toMatchObject({
    api: null,
    permissions: ['lambda:InvokeFunction'],
  });
});

test('without a checked permission, or for an administrator, the table says so', () => {
  const without = rows
    .filter(({ checks }) => !checks.includes('IAM here'))
    .map(({ who, api }) => api ?? `${who} on the way`);

  expect(without).toEqual([
    'athena:StartQueryExecution',
    'lambda:UpdateEventSourceMapping',
    'StreamRole on the way',
    'cloudformation:ExecuteChangeSet',
    's3:ListBuckets',
    'servicequotas:List',
  ]);
});

test('the use of a key is printed with the service that checked it, and is a check of its own', () => {
  expect(rows.find(({ api }) => api === 'athena:StartQueryExecution')?.checks).toEqual([
    'service model',
    'key policy',
  ]);
  expect(rows.find(({ who }) => who === 'StreamRole')).toMatchObject({
    api: null,
    permissions: [],
    denied: true,
    checks: ['key policy'],
  });
  expect(callTable(rows).filter((line) => line.includes('kms:'))).toEqual([
    expect.stringMatching(/^ {2}athena:StartQueryExecution .* kms:Decrypt via s3$/),
    expect.stringMatching(
      /for its caller\) \(denied at least once\) +key policy +kms:Decrypt via kinesis$/,
    ),
  ]);
});

test('a key that nobody simulates leaves the call without simulation', () => {
  const row = [
    { api: 's3:GetObject', by: 'AnalyticsRole', permission: 's3:GetObject' },
    { api: 's3:GetObject', by: 'AnalyticsRole', permission: 'kms:Decrypt', via: 's3' },
  ];
  const checksWith = (...known: string[]) => checked(rowsOf(row), new Set(known))[0]?.checks;

  expect(checksWith('AnalyticsRole s3:GetObject')).not.toContain('policy simulation');
  expect(checksWith('AnalyticsRole s3:GetObject', 'AnalyticsRole kms:Decrypt')).toContain(
    'policy simulation',
  );
});

test('what makes resources is checked by the order of creation', () => {
  expect(rows.find(({ api }) => api === 'cloudformation:ExecuteChangeSet')?.checks).toEqual([
    'service model',
    'order of creation',
  ]);
});

test('a call that nothing covers is printed as such', () => {
  expect(callTable(rows).filter((line) => line.includes('no check'))).toEqual([
    expect.stringMatching(/^ {2}servicequotas:List +no check +none was checked$/),
  ]);
  expect(describeCoverage(rows)).toBe(
    '8 calls by 5 roles and people: of 3 no permission was checked, 1 is covered by no check.',
  );
});

test("root's calls are the embedded cloud's own work, and left out", () => {
  expect(callTable(rows).join('\n')).not.toContain('root');
});
