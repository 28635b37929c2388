import { rowsOf } from '../../../local/rehearsal/calls';
import { checked } from '../../../local/rehearsal/coverage';
import type { RecordedLine } from '../../../local/rehearsal/recorded';
import { callTable, describeCoverage } from '../../../local/rehearsal/table';

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
  { api: 'glue:GetJob', by: 'root', permission: 'glue:GetJob' },
];
const rows = checked(rowsOf(lines));

test('a call is one row with the permissions that were asked for it', () => {
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

test('where nothing was asked, or somebody may do all, no permission was checked', () => {
  const without = rows.filter(({ checks }) => !checks.includes('IAM here')).map(({ api }) => api);

  expect(without).toEqual([
    'lambda:UpdateEventSourceMapping',
    's3:ListBuckets',
    'servicequotas:List',
  ]);
});

test('a call that nothing covers is printed as such', () => {
  expect(callTable(rows).filter((line) => line.includes('no check'))).toEqual([
    expect.stringMatching(/^ {2}servicequotas:List +no check +nothing was asked$/),
  ]);
  expect(describeCoverage(rows)).toBe(
    '5 calls by 4 roles and people: of 2 no permission was checked, 1 is covered by no check.',
  );
});

test("root's calls are the embedded cloud's own work, and left out", () => {
  expect(callTable(rows).join('\n')).not.toContain('root');
});
