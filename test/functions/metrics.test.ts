import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { embeddedMetrics, emitter } from '../../functions/shared/metrics';
import { stageSeconds } from '../../functions/report/run-metrics';

const NOW = new Date('2026-11-24T02:20:00Z');

test('a line has the form of which CloudWatch makes metrics', () => {
  const line = embeddedMetrics('sentiment-lake-dev', NOW, { TweetsReceived: 7, SpendUsd: 0.5 });

  expect(line).toEqual({
    _aws: {
      Timestamp: NOW.valueOf(),
      CloudWatchMetrics: [
        {
          Namespace: 'SentimentLake',
          Dimensions: [['Lake']],
          Metrics: [
            { Name: 'TweetsReceived', Unit: 'Count' },
            { Name: 'SpendUsd', Unit: 'None' },
          ],
        },
      ],
    },
    Lake: 'sentiment-lake-dev',
    TweetsReceived: 7,
    SpendUsd: 0.5,
  });
});

test('a second dimension is one set with the first, and printable', () => {
  const line = embeddedMetrics('lake', NOW, { RunsFailed: 1 }, { Error: 'Größe\n' });

  expect(line).toMatchObject({
    _aws: { CloudWatchMetrics: [{ Dimensions: [['Lake', 'Error']] }] },
    Error: 'Gr??e?',
  });
});

test('a figure that is no number is left out: CloudWatch would refuse the line', () => {
  const line = embeddedMetrics('lake', NOW, { RunSeconds: NaN, TweetsScored: 3 });

  expect(line).not.toHaveProperty('RunSeconds');
  expect(line).toMatchObject({
    _aws: { CloudWatchMetrics: [{ Metrics: [{ Name: 'TweetsScored' }] }] },
  });
});

describe('the log', () => {
  const write = jest.spyOn(process.stdout, 'write');

  beforeEach(() => write.mockReset().mockReturnValue(true));
  afterAll(() => write.mockRestore());

  test('gets one line that is JSON from its first character', () => {
    emitter('lake')({ TweetsScored: 3 });

    expect(write).toHaveBeenCalledTimes(1);
    const text = String(write.mock.calls[0]?.[0]);
    expect(text.endsWith('\n')).toBe(true);
    expect(JSON.parse(text)).toMatchObject({ Lake: 'lake', TweetsScored: 3 });
  });

  test('gets nothing when there is nothing to tell', () => {
    emitter('lake')({});

    expect(write).not.toHaveBeenCalled();
  });
});

describe('seconds per stage', () => {
  const at = (seconds: number, type: HistoryEvent['type'], name?: string): HistoryEvent => ({
    id: seconds,
    type,
    timestamp: new Date(NOW.valueOf() + seconds * 1000),
    ...(name !== undefined && { stateEnteredEventDetails: { name } }),
  });
  const night = [
    at(0, 'ExecutionStarted'),
    at(1, 'TaskStateEntered', 'Plan the run'),
    at(3, 'ChoiceStateEntered', 'What to run?'),
    at(4, 'TaskStateEntered', 'Crawl raw data'),
    at(10, 'WaitStateEntered', 'Wait for the crawler'),
    at(40, 'TaskStateEntered', 'Crawl raw data'),
    at(45, 'ExecutionFailed'),
  ];

  test('count the choices and the waits to the stage before them', () => {
    expect([...stageSeconds(night)]).toEqual([
      ['Plan the run', 3],
      ['Crawl raw data', 41],
    ]);
  });

  test('go to the name that a stage has now, also of a run of an older release', () => {
    const older = [
      at(0, 'TaskStateEntered', 'Better than the champion?'),
      at(2, 'TaskStateEntered', 'Report'),
      at(3, 'ExecutionSucceeded'),
    ];

    expect([...stageSeconds(older)]).toEqual([
      ['Evaluate the candidate', 2],
      ['Report the run', 1],
    ]);
  });

  test('of a redriven run begin anew with the failed stage', () => {
    const redriven = [
      ...night,
      at(500, 'ExecutionRedriven'),
      at(507, 'TaskStateEntered', 'Clean tweets'),
      at(510, 'ExecutionSucceeded'),
    ];

    expect([...stageSeconds(redriven)]).toEqual([
      ['Crawl raw data', 7],
      ['Clean tweets', 3],
    ]);
  });
});
