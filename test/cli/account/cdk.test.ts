import { failedResource, securityTables } from '../../../cli/account/cdk';

// As aws-cdk 2.1148 prints it with --no-color.
const widened = `Synthesis time: 12.1s

Stack SentimentLake-prod-Data
IAM Statement Changes
┌───┬──────────────┬────────┬──────────────────┬─────────────┬───────────┐
│   │ Resource     │ Effect │ Action           │ Principal   │ Condition │
├───┼──────────────┼────────┼──────────────────┼─────────────┼───────────┤
│ + │ *            │ Allow  │ iam:*            │ AWS:\${Role} │           │
└───┴──────────────┴────────┴──────────────────┴─────────────┴───────────┘
(NOTE: There may be security-related changes not in this list. See https://github.com/aws/aws-cdk/issues/1299)

Stack SentimentLake-prod-Pipeline
There were no security-related changes (limitations: https://github.com/aws/aws-cdk/issues/1299)

✨  Number of stacks with differences: 1
`.split('\n');

test('a widened role is shown, with its stack', () => {
  const lines = securityTables(widened);

  expect(lines.slice(0, 2)).toEqual(['Stack SentimentLake-prod-Data', 'IAM Statement Changes']);
  expect(lines.join('\n')).toContain('iam:*');
  expect(lines.join('\n')).not.toContain('Pipeline');
});

test('a deployment that changes no role asks nothing', () => {
  expect(securityTables(widened.filter((line) => !/IAM|[│┌├└]/.test(line)))).toEqual([]);
});

test('what a service said of a resource is taken from the line of its event, and from no other line', () => {
  const event = (status: string) =>
    `SentimentLake-dev-Pipeline | 159/9 | 8:08:33 AM | ${status} | AWS::Events::Rule | Schedules/Nightly (SchedulesNightlyF451E70C) Parameter ScheduleExpression is not valid. `;

  expect(failedResource(event('UPDATE_FAILED          '))).toEqual([
    'AWS::Events::Rule Schedules/Nightly (SchedulesNightlyF451E70C) Parameter ScheduleExpression is not valid.',
  ]);
  expect(failedResource(event('UPDATE_COMPLETE'))).toEqual([]);
});
