import { highestPrice } from '../../functions/x/price';
import { FunctionSettings } from '../../functions/settings/settings';
import { EnvironmentName, People, settingsFor } from '../../infra/config';

test.each(EnvironmentName.options)('the settings of %s are valid', (name) => {
  expect(() => settingsFor(name)).not.toThrow();
});

test('an unknown environment is refused with the names of the known', () => {
  expect(() => settingsFor('production')).toThrow(/local.*dev.*prod/s);
});

test('the address of the X API can be given on the command line', () => {
  expect(settingsFor('local', { xApiBaseUrl: 'http://127.0.0.1:4566/_x/2/' }).x.apiBaseUrl).toBe(
    'http://127.0.0.1:4566/_x/2/',
  );
});

test('settings on the command line are merged into those of the environment, and checked like them', () => {
  const settings = settingsFor('dev', {
    settings: '{"poll":{"train":2},"x":{"queries":[{"name":"one","keywords":["tea"]}]}}',
  });

  expect(settings.poll).toEqual({ ...settingsFor('dev').poll, train: 2 });
  expect(settings.x.queries).toEqual([{ name: 'one', keywords: ['tea'] }]);
  expect(settingsFor('dev').poll.train).not.toBe(2);
});

test.each([
  ['{"poll":{"trian":2}}', /trian/],
  ['{"logRetentionDays":31}', /logRetentionDays/],
  ['[1]', /must be a JSON object/],
  ['{', /must be a JSON object/],
])('%s is refused with the name of what is wrong', (given, message) => {
  expect(() => settingsFor('dev', { settings: given })).toThrow(message);
});

test('an address that is none is refused with the name of its field', () => {
  expect(() => settingsFor('local', { xApiBaseUrl: 'here' })).toThrow(/apiBaseUrl/);
});

test.each(['dev', 'prod'])(
  'a night in %s reads at X for ten dollars at most, authors included',
  (name) => {
    const { x } = settingsFor(name);

    expect(highestPrice(x, x.maxTweetsPerRun)).toBeLessThanOrEqual(10);
  },
);

test('people are named by ARN, and * names nobody', () => {
  const { people } = settingsFor('dev');

  expect(people.analysts).toBe('account');
  expect(() => People.parse(['*'])).toThrow(/ARN of a role or user/);
  expect(People.parse(['arn:aws:iam::111122223333:user/ana'])).toHaveLength(1);
});

test('a replaced snapshot outlives the time in which its run can be redriven', () => {
  const { keepDays } = settingsFor('prod');
  const parse = (changes: object) =>
    FunctionSettings.shape.keepDays.parse({ ...keepDays, ...changes });

  expect(() => parse({ replacedSnapshots: 13 })).toThrow(/must be 14 or more/);
  expect(parse({ replacedSnapshots: 14, labels: null }).labels).toBeNull();
  expect(() => parse({ tweets: null })).toThrow(/tweets/);
  expect(() => parse({ tweets: 0 })).toThrow(/tweets/);
});

test('the volume of a training is twice as large as the tweets that it reads', () => {
  const sized = (tweetsGb: number, volumeGb: number) => () =>
    settingsFor('dev', { settings: JSON.stringify({ training: { tweetsGb, volumeGb } }) });

  expect(sized(5, 10)).not.toThrow();
  expect(sized(6, 10)).toThrow(/volumeGb.*must be twice training.tweetsGb or more/s);
});

test('only prod starts by itself', () => {
  const enabled = EnvironmentName.options.filter((name) => settingsFor(name).nightly.enabled);

  expect(enabled).toEqual(['prod']);
});
