import { answerOf, stepOfState, steps } from '../../workflows/steps';

const dashed = (text: string): string =>
  text
    .replace(/\bthe /g, '')
    .replace(/ /g, '-')
    .replace(/[A-Z]/g, (letter, at: number) => (at === 0 ? '' : '-') + letter.toLowerCase())
    .replace(/--+/g, '-');

test.each(steps)('$state has one name as state, function and key', ({ state, name, key }) => {
  expect(name).toBe(dashed(state));
  // The key is the function's verb, or the noun of it: `evaluation`.
  if (key !== null) expect(name).toMatch(new RegExp(`^${dashed(key).slice(0, 7)}`));
});

test('every key and every state is there once', () => {
  const keys = steps.map(({ key }) => key);

  expect(new Set(keys).size).toBe(steps.length);
  expect(new Set(steps.map(({ state }) => state)).size).toBe(steps.length);
});

test.each([
  ['Better than the champion?', 'Evaluate the candidate'],
  ['Report', 'Report the run'],
  ['Clean tweets', 'Clean tweets'],
  ['Tweets cleaned?', undefined],
  [undefined, undefined],
])('the state %s of an execution is the step %s', (state, expected) => {
  expect(stepOfState(state)?.state).toBe(expected);
});

test.each([
  ['Evaluate the candidate', 'evaluation', 'gate'],
  ['Update the endpoint', 'update', 'endpoint'],
  ['Smoke-test the endpoint', 'smokeTest', 'smoke'],
])('the answer of %s is found as %s, and as %s in an older execution', (state, key, older) => {
  const step = stepOfState(state);
  if (!step) throw new Error(`no step ${state}`);

  expect(answerOf(step, { [key]: 1 })).toBe(1);
  expect(answerOf(step, { [older]: 2 })).toBe(2);
  expect(answerOf(step, {})).toBeUndefined();
});
