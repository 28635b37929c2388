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
  { api: 'glue:GetJob', by: 'root', permission: 'glue:GetJob' },
];
const rows = checked(rowsOf(lines));

test('a call is one row with the permissions that were asked for it', () => {
  expect(rows.find(({ api }) => api === 's3:HeadObject')).toMatchObject({
    who: 'AnalyticsRole',
    permissions: ['s3:GetObject'],
    denied: true,
    checks: ['IAM here', 'policy simulation'],
  });
});

test('what a service asks after the request was answered is a row without an operation', () => {
  expect(rows.find(({ who }) => who === 'MachineRole')).toMatchObject({
    api: null,
    permissions: ['lambda:InvokeFunction'],
  });
});

test('a call for which nothing was asked is covered by no check, nor is one of somebody who may do all', () => {
  const without = rows.filter(({ checks }) => checks.length === 0).map(({ api }) => api);

  expect(without).toEqual(['lambda:UpdateEventSourceMapping', 's3:ListBuckets']);
  expect(callTable(rows).filter((line) => line.includes('no check'))).toHaveLength(2);
  expect(describeCoverage(rows)).toBe('4 calls by 4 roles and people; 2 are covered by no check.');
});

test("root's calls are the embedded cloud's own work, and left out", () => {
  expect(callTable(rows).join('\n')).not.toContain('root');
});
