import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { putRecords } from '../../functions/lake/stream';
import { mockedClient } from '../support/checked-calls';
import { TestClock } from './support/clock';

// The embedded stream refuses nothing, so refusals come from a mock.
const kinesis = mockedClient(KinesisClient);
const MAX_TRIES = 6;

const records = (count: number, data = 'x') =>
  Array.from({ length: count }, (_, index) => ({ key: `key-${index}`, data: `${index}:${data}` }));

const put = (list: ReturnType<typeof records>, clock = new TestClock()) =>
  putRecords(new KinesisClient({}), 'stream', list, clock);

/** A stream that refuses by the mask of the call: `X` refuses the record at that place. Answers what it took. */
function streamThatRefuses(masks: readonly string[]): { accepted: string[]; calls: number[] } {
  const seen: { accepted: string[]; calls: number[] } = { accepted: [], calls: [] };
  kinesis.reset();
  kinesis.on(PutRecordsCommand).callsFake(({ Records }) => {
    const mask = masks[seen.calls.length] ?? '';
    seen.calls.push(Records.length);
    const results = Records.map(({ Data }: { Data: Uint8Array }, index: number) => {
      if (mask.charAt(index % Math.max(mask.length, 1)) === 'X') {
        return { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'slow down' };
      }
      seen.accepted.push(Buffer.from(Data).toString('utf8'));
      return { SequenceNumber: '1', ShardId: 'shardId-0' };
    });
    return {
      Records: results,
      FailedRecordCount: results.filter((result: object) => 'ErrorCode' in result).length,
    };
  });
  return seen;
}

test('sends at most 500 records a call', async () => {
  const seen = streamThatRefuses([]);

  await put(records(1201));

  expect(seen.calls).toEqual([500, 500, 201]);
});

test('sends less than 5 MB a call', async () => {
  const seen = streamThatRefuses([]);

  await put(records(12, 'y'.repeat(900_000)));

  expect(seen.calls).toEqual([5, 5, 2]);
});

test('whatever a stream refuses, each record arrives exactly once', async () => {
  // A fixed sequence that looks random, so that a failure can be repeated.
  let seed = 42;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  for (let round = 0; round < 60; round += 1) {
    const masks = Array.from({ length: MAX_TRIES - 1 }, () =>
      Array.from({ length: 1 + Math.floor(random() * 7) }, () => (random() < 0.5 ? 'X' : '.')).join(
        '',
      ),
    );
    const list = records(1 + Math.floor(random() * 20));
    const seen = streamThatRefuses(masks);

    await put(list);

    expect([...seen.accepted].sort()).toEqual(list.map(({ data }) => data).sort());
  }
});

test('resends only what was refused, after growing pauses', async () => {
  const clock = new TestClock();
  const seen = streamThatRefuses(['X.', 'X', '']);

  await put(records(4), clock);

  expect(seen.calls).toEqual([4, 2, 2]);
  expect(clock.pauses[1]).toBeGreaterThan(clock.pauses[0] ?? Infinity);
});

test('answers with what is refused six times, and with what the stream said', async () => {
  const seen = streamThatRefuses(['X.', 'X', 'X', 'X', 'X', 'X', 'X']);

  const refusal = await put(records(4));

  expect(refusal).toEqual({
    records: [records(4)[0], records(4)[2]],
    reason: expect.stringContaining(
      'refused 2 of 4 records in 6 tries: ProvisionedThroughputExceededException slow down',
    ),
  });
  expect(seen.calls).toHaveLength(MAX_TRIES);
});

test('a call that fails as a whole, by no fault of ours, is made again', async () => {
  kinesis.reset();
  const reset = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  kinesis
    .on(PutRecordsCommand)
    .rejectsOnce(reset)
    .resolves({ Records: [{ SequenceNumber: '1' }], FailedRecordCount: 0 });

  expect(await put(records(1))).toBeNull();
  expect(kinesis.commandCalls(PutRecordsCommand)).toHaveLength(2);
});

test('a call that is not allowed fails at once', async () => {
  kinesis.reset();
  kinesis
    .on(PutRecordsCommand)
    .rejects(Object.assign(new Error('not authorized'), { name: 'AccessDeniedException' }));

  await expect(put(records(1))).rejects.toMatchObject({ name: 'AccessDeniedException' });
  expect(kinesis.commandCalls(PutRecordsCommand)).toHaveLength(1);
});

test('sends nothing when there is nothing', async () => {
  const seen = streamThatRefuses([]);

  await put([]);

  expect(seen.calls).toEqual([]);
});

test('a call that Kinesis would refuse reaches no mock', async () => {
  const seen = streamThatRefuses([]);

  await expect(
    new KinesisClient({}).send(new PutRecordsCommand({ StreamName: 'stream', Records: [] })),
  ).rejects.toMatchObject({ name: 'ValidationException' });
  expect(seen.calls).toEqual([]);
});
