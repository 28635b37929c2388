import { StackStatus } from '@aws-sdk/client-cloudformation';
import { isWhole } from '../../session/stack';
import { describeState, stateOf, todoBefore } from '../../session/stack-states';
import { stateFindings } from '../../cli/account/preflight';

const states = Object.values(StackStatus);
const stack = (StackStatus: string) => ({ StackName: 'SentimentLake-dev-Pipeline', StackStatus });

test.each(states)('%s says what it means, and what is to be done names the stack', (status) => {
  expect(describeState(stack(status))).toMatch(/^SentimentLake-dev-Pipeline is [A-Z_]+: \w.{10,}/);
  for (const verb of ['deploy', 'destroy'] as const) {
    const todo = todoBefore(verb, stack(status));
    if (todo?.includes('aws ')) expect(todo).toContain('SentimentLake-dev-Pipeline');
    expect(todo ?? '').not.toContain('<stack>');
  }
});

test('while CloudFormation works on a stack, it is waited for, whatever is to be done', () => {
  const busy = states.filter((one) => /_IN_PROGRESS$/.test(one) && !one.startsWith('REVIEW'));

  for (const status of busy) {
    expect(todoBefore('deploy', stack(status))).toMatch(/^wait/);
    expect(todoBefore('destroy', stack(status))).toMatch(/^wait/);
  }
  expect(busy.length).toBeGreaterThan(8);
});

test('what CloudFormation has finished with and not deleted is worked with: also after a roll back', () => {
  const finished = states.filter((one) => /^(CREATE|UPDATE|IMPORT)_.*COMPLETE/.test(one));

  expect(finished.filter((status) => !isWhole(status))).toEqual([]);
  expect(finished).toContain('UPDATE_ROLLBACK_COMPLETE');
  expect(states.filter((status) => isWhole(status)).sort()).toEqual(finished.sort());
});

test('every stack that stands still can be destroyed', () => {
  const still = states.filter((one) => !/_IN_PROGRESS$/.test(one));

  expect(still.filter((status) => todoBefore('destroy', stack(status)) !== null)).toEqual([]);
});

test('a stack that is stuck stops a deployment before it begins, with the command that helps', () => {
  const [finding] = stateFindings([stack('UPDATE_ROLLBACK_FAILED')], 'us-east-1');

  expect(finding).toMatchObject({
    level: 'error',
    todo: expect.stringContaining(
      'continue-update-rollback --stack-name SentimentLake-dev-Pipeline',
    ),
  });
  expect(stateFindings([stack('UPDATE_ROLLBACK_COMPLETE')], 'us-east-1')).toEqual([]);
  expect(stateFindings([stack('ROLLBACK_COMPLETE')], 'us-east-1')).toEqual([
    expect.objectContaining({ level: 'warning', what: expect.stringContaining('creation failed') }),
  ]);
});

test('a state that AWS adds is left alone', () => {
  expect(stateOf('SOMETHING_NEW').works).toBe('no');
  expect(todoBefore('deploy', stack('SOMETHING_NEW'))).toMatch(/^wait/);
});
