import { describeFailure } from '../../cli/run/failure';
import { stageLine } from '../../cli/run/follow';
import { Timeline } from '../../cli/run/timeline';
import { nightEvents, timelineOf } from './recorded';

test('a recorded night is told as one line a stage, with its duration and its numbers', () => {
  const lines = timelineOf(nightEvents).stages.map((stage) => stageLine(stage));

  expect(lines).toEqual([
    "✓ Plan the run                   1.3 s  nightly for 2026-11-24, 1 query, at most 5,000 tweets ($25.00 at X's price)",
    '✓ Ingest tweets                  8.7 s  3,147 received = 3,147 written + 0 duplicates + 0 quarantined, on 32 pages',
    '✓ Crawl raw data                 2.4 s  8 days of raw data in the catalog',
    '✓ Clean tweets              3 min 22 s  3,147 rows read = 3,147 written + 0 duplicates + 0 quarantined, 8 days; labels: 3,147 human, 0 lexicon',
    '✓ Check the data                 7.5 s  6 of 6 checks passed',
    '✓ Publish the data               1.5 s  8 days with 3,147 rows published, 0 of them replace an older snapshot',
    '✓ Train the model               93.0 s  6 epochs in 90 s',
    '✓ Evaluate the candidate         1.1 s  yes: macro recall 76.3 on 879 rows against no champion yet, lexicon 70.2 (+6.1 [+2.9, +9.2])',
    '✓ Update the endpoint            5.3 s  sentiment-lake-local serves sl-20261124-211b92566c79',
    '✓ Smoke-test the endpoint        1.3 s  8 of 8 obvious sentences classified correctly',
    '✓ Promote the model              2.0 s  sl-20261124-211b92566c79 is in service',
    '✓ Refresh analytics             12.6 s  3,147 tweets scored',
    expect.stringMatching(/^✓ Report the run +0\.9 s {2}3,147 tweets received/),
  ]);
});

test('an execution is told alike whether its names are of this release or of an older one', () => {
  const renamed = nightEvents.map((event) => ({
    ...event,
    state: event.state
      ?.replace('Better than the champion?', 'Evaluate the candidate')
      .replace(/^Report$/, 'Report the run'),
    output: event.output
      ?.replace('"gate":', '"evaluation":')
      .replace('"endpoint":', '"update":')
      .replace('"smoke":', '"smokeTest":'),
  }));

  const lines = (events: typeof nightEvents) =>
    timelineOf(events).stages.map((stage) => stageLine(stage));

  expect(lines(renamed)).toEqual(lines(nightEvents));
});

test('events that come one by one start and end each stage once, and loops bring news', () => {
  const timeline = new Timeline();

  const changes = nightEvents.flatMap((event) => timeline.add([event]));

  const kinds = (kind: string) => changes.filter((change) => change.kind === kind);
  expect(kinds('started')).toHaveLength(13);
  expect(kinds('ended')).toHaveLength(13);
  expect(kinds('news').map((change) => 'stage' in change && change.stage.name)).toEqual([
    'Crawl raw data',
    'Clean tweets',
    'Check the data',
    'Train the model',
    'Update the endpoint',
  ]);
});

const failedInIngest = [
  ...nightEvents.slice(0, nightEvents.findIndex(({ state }) => state === 'Ingest tweets') + 1),
  {
    id: 9000,
    at: 1795490479888,
    type: 'ExecutionFailed',
    error: 'ChecksFailed',
    cause: JSON.stringify({
      errorType: 'ChecksFailed',
      errorMessage: '2 rows have no id:\n  dt=2026-11-20 tweet_id=',
    }),
  },
];

test('a failure names its state, its cause with the offending rows, and the command that goes on', () => {
  const timeline = timelineOf(failedInIngest);

  const lines = describeFailure(
    { arn: 'a:b:nightly-1', name: 'nightly-1', status: 'FAILED', events: failedInIngest, timeline },
    'local',
  );

  expect(timeline.stages.map(({ name, status }) => [name, status])).toEqual([
    ['Plan the run', 'done'],
    ['Ingest tweets', 'failed'],
  ]);
  expect(lines).toEqual([
    'nightly-1 FAILED in state "Ingest tweets": ChecksFailed',
    '  2 rows have no id:',
    '    dt=2026-11-20 tweet_id=',
    'Go on from there: npm run lake -- redrive nightly-1',
  ]);
});

test('a redrive tells the failed stage a second time and forgets the failure', () => {
  const timeline = timelineOf(failedInIngest);

  const changes = timeline.add([
    { id: 9001, at: 1795490500000, type: 'ExecutionRedriven' },
    { id: 9002, at: 1795490500001, type: 'TaskStateEntered', state: 'Ingest tweets' },
  ]);

  expect(changes.map(({ kind }) => kind)).toEqual(['redriven', 'started']);
  expect(timeline.failure).toBeNull();
  expect(timeline.stages.map(({ status }) => status)).toEqual(['done', 'failed', 'running']);
});

test('an answer that breaks its contract still ends its stage', () => {
  const timeline = timelineOf([
    { id: 1, at: 1000, type: 'TaskStateEntered', state: 'Plan the run' },
    {
      id: 2,
      at: 3000,
      type: 'TaskStateExited',
      state: 'Plan the run',
      output: '{"plan":{"mode":7}}',
    },
  ]);

  expect(timeline.stages).toEqual([
    { name: 'Plan the run', startedAt: 1000, endedAt: 3000, status: 'done', text: '' },
  ]);
});

test('states that are not stages are left out', () => {
  expect(
    timelineOf([{ id: 1, at: 1, type: 'WaitStateEntered', state: 'Wait for the crawler' }]).stages,
  ).toEqual([]);
});
