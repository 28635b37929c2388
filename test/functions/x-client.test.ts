import fc from 'fast-check';
import { z } from 'zod';
import { boundsAtX } from '../../functions/x/bounds';
import type { Bounds } from '../../functions/x/bounds';
import { recentSearch } from '../../functions/x/client';
import type { SearchRequest } from '../../functions/x/client';
import { byAge, idAt } from '../../functions/x/ids';
import boundCases from '../cases/search-bounds.json';
import limitCases from '../cases/x-limits.json';
import refusalCases from '../cases/x-refusals.json';
import { TestClock } from './support/clock';
import { XServer, page, tweet } from './support/x-server';

const Text = z.string().nullable().default(null);
const Given = z.object({ sinceId: Text, startTime: Text, endTime: Text, untilId: Text });

let x: XServer;
let clock: TestClock;

beforeAll(async () => {
  x = await XServer.start();
});
afterAll(() => x.stop());
beforeEach(() => {
  clock = new TestClock();
  x.time = clock.now();
});

const token = { secretArn: 'arn:token', read: async () => 'token', forget: () => undefined };

const ask = (bounds: Bounds, nextToken: string | null = null) => {
  const request: SearchRequest = {
    query: 'tea',
    maxResults: 10,
    authorNames: false,
    nextToken,
    ...bounds,
  };
  return recentSearch(x.url, token, clock)(request);
};

const NONE = Given.parse({});
const BOUNDS = ['since_id', 'until_id', 'start_time', 'end_time'];

test.each(boundCases)('X is asked for one kind of bounds: $case', async (given) => {
  x.willAnswer(page([]));

  await ask(Given.parse(given));

  const sent = Object.entries(x.searches[0] ?? {}).filter(([name]) => BOUNDS.includes(name));
  expect(Object.fromEntries(sent)).toEqual(given.asked);
});

test('whatever is given, the kinds are never mixed, and no post between the bounds is left out', () => {
  const instant = fc.integer({
    min: Date.parse('2026-11-17T00:00:00Z'),
    max: Date.parse('2026-11-24T00:00:00Z'),
  });
  const time = fc.option(instant.map((at) => new Date(at).toISOString()));
  const id = fc.option(instant.map((at) => idAt(new Date(at))));
  const bounds = fc.record({ sinceId: id, startTime: time, endTime: time, untilId: id });
  fc.assert(
    fc.property(bounds, instant, fc.nat(4095), (given, postedAt, sequence) => {
      const post = String(BigInt(idAt(new Date(postedAt))) + BigInt(sequence));
      const { since_id, until_id, start_time, end_time } = boundsAtX(given);

      const mixed = (since_id ?? until_id) !== undefined && (start_time ?? end_time) !== undefined;
      const isMeant =
        (given.sinceId === null || byAge(post, given.sinceId) > 0) &&
        (given.untilId === null || byAge(post, given.untilId) < 0) &&
        (given.startTime === null || postedAt >= Date.parse(given.startTime)) &&
        (given.endTime === null || postedAt < Date.parse(given.endTime));
      const isAsked =
        (since_id === undefined || byAge(post, since_id) > 0) &&
        (until_id === undefined || byAge(post, until_id) < 0) &&
        (start_time === undefined || postedAt >= Date.parse(start_time)) &&
        (end_time === undefined || postedAt < Date.parse(end_time));
      expect({ mixed, isAsked }).toEqual({ mixed: false, isAsked: isMeant });
    }),
    { numRuns: 2000 },
  );
});

test.each(refusalCases)('a 400 of X is told by what it complains of: $case', async (given) => {
  const errors = [{ parameters: given.parameters, message: given.message }];
  const detail = 'One or more parameters to your request was invalid.';
  x.willAnswer({ status: 400, body: { errors, title: 'Invalid Request', detail } });

  const answer = await ask(Given.parse(given), given.nextToken ?? null).catch(
    (error: unknown) => error,
  );

  if (given.says === undefined) {
    expect(answer).toMatchObject({ kind: given.answer });
  } else {
    expect(answer).toMatchObject({
      name: given.answer,
      message: expect.stringContaining(given.says),
    });
  }
  expect(x.searches).toHaveLength(1);
});

/** `now+5` in seconds of Unix time; anything else as it is. */
const seconds = (text: string): string => {
  const [, offset] = /^now([+-]\d+)$/.exec(text) ?? [];
  return offset === undefined ? text : String(clock.now().valueOf() / 1000 + Number(offset));
};
const instantOf = (text: string) => new Date(Number(seconds(text)) * 1000);

test.each(limitCases)('a limit of X is read from its headers: $case', async (given) => {
  const headers = Object.fromEntries(
    Object.entries(given.headers).map(([name, value]) => [name, seconds(value)]),
  );
  x.willAnswer(
    given.status === 200
      ? { ...page([tweet(5)], 'next'), headers }
      : { status: given.status, headers, body: { title: 'Too Many Requests' } },
  );
  const until = given.until === null ? null : instantOf(given.until);

  const answer = await ask(NONE);

  expect(x.searches).toHaveLength(1);
  expect(answer.kind).toBe(given.answer);
  if (answer.kind === 'rate-limited') expect(answer.resumeAt).toEqual(until);
  if (answer.kind === 'page') {
    expect(answer.usedUpUntil).toEqual(given.waits === undefined ? null : instantOf(given.waits));
  }
  const detail =
    answer.kind === 'capped' ? answer.detail : answer.kind === 'page' ? answer.dayUsedUp : '';
  if (until !== null && answer.kind !== 'rate-limited') {
    expect(detail).toContain(`ends at ${until.toISOString()}`);
  } else {
    expect(detail ?? '').not.toContain('ends at');
  }
});
