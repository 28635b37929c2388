import { archiveSeen } from '../../cli/run/archived';
import { Timeline } from '../../cli/run/timeline';

const run = (types: readonly string[]) => ({
  arn: 'arn:aws:states:us-east-1:000000000000:execution:sentiment-lake-local:one',
  name: 'one',
  status: 'SUCCEEDED' as const,
  events: types.map((type, at) => ({ id: at + 1, at, type })),
  timeline: new Timeline(),
});

test('the archive of an execution is looked for until it is there, by the number of its redrives', async () => {
  const asked: string[] = [];
  const isThere = (key: string) => Promise.resolve(asked.push(key) === 3);
  const types = ['ExecutionStarted', 'ExecutionFailed', 'ExecutionRedriven', 'ExecutionSucceeded'];

  expect(await archiveSeen(run(types), isThere)).toBe(true);
  expect(asked).toEqual(Array(3).fill('processed-data/audit/executions/one-1.json'));
});

test('who may not look is told so', async () => {
  const refused = new Error('AccessDenied');

  await expect(archiveSeen(run([]), () => Promise.reject(refused))).rejects.toBe(refused);
});
