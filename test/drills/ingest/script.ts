import fc from 'fast-check';
import {
  malformations,
  nullings,
  strangeTexts,
  type Fault,
} from '../../../embedded/x-api/faults/script';
import type { ServiceFault } from './aws';
import type { KillPoint } from './incarnation';

/** A tweet of the drill: when before the run it was posted, as a share of the time since the last run. */
export interface Arrival {
  words: string;
  share: number;
  /** How long X takes to find it. */
  delaySeconds: number;
}

export interface Kill extends KillPoint {
  /** The whole execution ends, or only the Lambda, which Step Functions calls again. */
  of: 'execution' | 'lambda';
}

export interface Execution {
  mode: 'nightly' | 'ingest';
  queries: 'one' | 'two' | 'both';
  maxTweets: number;
  /** How often it is redriven after an error. */
  redrives: number;
  /** One for each invocation that is killed. */
  kills: Kill[];
}

export interface Step {
  waitSeconds: number;
  arrivals: Arrival[];
  /** Started at once. */
  executions: Execution[];
}

/** All that chance decides about one drill. */
export interface Script {
  startsAt: string;
  pageSize: number;
  pagesPerCall: number;
  maxTweetsPerMonth: number | null;
  x: Fault[];
  s3: [number, ServiceFault][];
  kinesis: [number, ServiceFault][];
  steps: Step[];
  /** Ends of runs that compact what is days old by then. */
  compactionKills: KillPoint[];
}

const often = <Value>(value: Value) => ({ weight: 3, arbitrary: fc.constant(value) });

const rule = fc.oneof(
  { weight: 3, arbitrary: fc.record({ request: fc.integer({ min: 1, max: 25 }) }) },
  { weight: 1, arbitrary: fc.record({ page: fc.integer({ min: 1, max: 4 }) }) },
);

const trouble = fc.oneof(
  fc.record({
    fault: fc.constant('rate-limit' as const),
    headers: fc.boolean(),
    resetSeconds: fc.constantFrom(5, 600, 900),
  }),
  fc.record({ fault: fc.constant('monthly-cap' as const), headers: fc.boolean() }),
  fc.record({
    fault: fc.constantFrom('day-limit' as const, 'day-used-up' as const),
    of: fc.constantFrom('app' as const, 'user' as const),
    resetSeconds: fc.constantFrom(5, 900, 50_000),
  }),
  fc.record({
    fault: fc.constant('nulls' as const),
    how: fc.constantFrom(...nullings),
    tweets: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    fault: fc.constant('status' as const),
    status: fc.constantFrom(500, 502, 503, 504, 401, 403, 408, 418),
    body: fc.constantFrom('problem' as const, 'html' as const, 'empty' as const),
  }),
  fc.constant({ fault: 'timeout' as const }),
  fc.record({
    fault: fc.constant('reset' as const),
    when: fc.constantFrom('before-answer' as const, 'mid-body' as const),
  }),
  fc.constant({ fault: 'truncated-json' as const }),
  fc.constant({ fault: 'stale-start' as const }),
  fc.constant({ fault: 'token-refused' as const }),
  fc.record({ fault: fc.constant('duplicates' as const), tweets: fc.integer({ min: 1, max: 6 }) }),
  fc.constant({ fault: 'empty-page' as const }),
  fc.constant({ fault: 'partial-errors' as const }),
  fc.constant({ fault: 'unknown-fields' as const }),
  fc.record({
    fault: fc.constant('no-author' as const),
    what: fc.constantFrom('includes' as const, 'author_id' as const),
  }),
  fc.record({
    fault: fc.constant('malformed' as const),
    how: fc.constantFrom(...malformations),
    tweets: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    fault: fc.constant('text' as const),
    text: fc.constantFrom(...strangeTexts),
    tweets: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    fault: fc.constant('clock-skew' as const),
    seconds: fc.constantFrom(-80_000, -5, 5, 600, 80_000),
  }),
  fc.record({
    fault: fc.constant('late' as const),
    tweets: fc.integer({ min: 1, max: 3 }),
    requests: fc.integer({ min: 1, max: 4 }),
  }),
  fc.constant({ fault: 'repeated-token' as const }),
  fc.record({
    fault: fc.constant('order' as const),
    how: fc.constantFrom('oldest-first' as const, 'shuffled' as const, 'pages-swapped' as const),
  }),
  fc.record({
    fault: fc.constant('meta' as const),
    how: fc.constantFrom(
      'no-ids' as const,
      'ids-swapped' as const,
      'ids-ahead' as const,
      'ids-behind' as const,
      'wrong-count' as const,
      'none' as const,
    ),
  }),
);

const fault: fc.Arbitrary<Fault> = fc
  .tuple(
    rule,
    trouble,
    fc.oneof(often(1), { weight: 1, arbitrary: fc.integer({ min: 2, max: 6 }) }),
  )
  .map(([when, what, times]) => ({
    ...when,
    ...what,
    times: what.fault === 'timeout' ? 1 : times,
  }));

const serviceFaults = (
  faults: readonly ServiceFault[],
  requests: number,
  times: readonly number[],
) =>
  fc
    .array(
      fc.tuple(
        fc.integer({ min: 1, max: requests }),
        fc.constantFrom(...faults),
        fc.constantFrom(...times),
      ),
      { maxLength: 4 },
    )
    .map((list) =>
      list.flatMap(([at, kind, times]) =>
        Array.from({ length: times }, (_, index): [number, ServiceFault] => [at + index, kind]),
      ),
    );

const arrival: fc.Arbitrary<Arrival> = fc.record({
  words: fc.constantFrom('alpha', 'beta', 'alpha gamma', 'gamma', 'nothing'),
  share: fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000),
  delaySeconds: fc.oneof(often(0), { weight: 1, arbitrary: fc.constantFrom(20, 590, 3000) }),
});

const kill: fc.Arbitrary<Kill> = fc.record({
  call: fc.integer({ min: 1, max: 60 }),
  when: fc.constantFrom('before', 'after'),
  of: fc.constantFrom('execution', 'lambda', 'lambda'),
});

const execution: fc.Arbitrary<Execution> = fc.record({
  mode: fc.constantFrom('nightly', 'ingest'),
  queries: fc.constantFrom('both', 'both', 'one', 'two'),
  maxTweets: fc.oneof(
    { weight: 1, arbitrary: fc.constant(1000) },
    { weight: 1, arbitrary: fc.integer({ min: 10, max: 40 }) },
  ),
  redrives: fc.integer({ min: 0, max: 2 }),
  kills: fc.array(kill, { maxLength: 3 }),
});

const DAY_SECONDS = 24 * 3600;
const step: fc.Arbitrary<Step> = fc.record({
  waitSeconds: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 7200 }) },
    { weight: 1, arbitrary: fc.constantFrom(3 * DAY_SECONDS, 8 * DAY_SECONDS) },
  ),
  arrivals: fc.array(arrival, { maxLength: 12 }),
  executions: fc.oneof(
    { weight: 4, arbitrary: fc.array(execution, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(execution, { minLength: 2, maxLength: 2 }) },
  ),
});

/**
 * A window that is begun anew behind its oldest tweet takes X at its word that pages come newest first: which
 * pages are still owed behind swapped ones, nobody can know. So those two do not meet.
 */
function withoutContradiction(script: Script): Script {
  const beginsAnew =
    script.steps.slice(1).some(({ waitSeconds }) => waitSeconds >= DAY_SECONDS) ||
    script.x.some((one) => ['stale-start', 'token-refused', 'repeated-token'].includes(one.fault));
  return beginsAnew
    ? {
        ...script,
        x: script.x.filter((one) => one.fault !== 'order' || one.how !== 'pages-swapped'),
      }
    : script;
}

export const scripts: fc.Arbitrary<Script> = fc
  .record<Script>({
    startsAt: fc.constantFrom('2026-11-24T02:20:00.123Z', '2026-11-30T23:50:00.456Z'),
    pageSize: fc.integer({ min: 2, max: 8 }),
    pagesPerCall: fc.constantFrom(2, 5, 40),
    maxTweetsPerMonth: fc.oneof(often(null), {
      weight: 1,
      arbitrary: fc.integer({ min: 15, max: 60 }),
    }),
    x: fc.array(fault, { maxLength: 6 }),
    s3: serviceFaults(
      ['error-500', 'error-503', 'reset', 'conflict-409', 'done-then-500', 'done-then-reset'],
      120,
      [1, 1, 2, 3, 4],
    ),
    kinesis: serviceFaults(
      ['error-500', 'reset', 'done-then-500', 'done-then-reset', 'partial', 'throttled'],
      12,
      [1, 1, 3, 7, 20],
    ),
    steps: fc
      .tuple(fc.array(arrival, { maxLength: 24 }), fc.array(step, { minLength: 1, maxLength: 4 }))
      // The first step finds the history of a week, less half a day.
      .map(([history, steps]) => [
        { waitSeconds: 6.5 * DAY_SECONDS, arrivals: history, executions: [] },
        ...steps,
      ]),
    compactionKills: fc.array(
      fc.record({
        // The first calls are the ingest's.
        call: fc.integer({ min: 12, max: 70 }),
        when: fc.constantFrom('before' as const, 'after' as const),
      }),
      { maxLength: 3 },
    ),
  })
  .map(withoutContradiction);

// In real time nothing waits for a timeout, and a pause is a pause.
const SLOW = ['timeout', 'clock-skew'];

/** Scripts for real processes: one execution after the other, within minutes. */
export const realScripts: fc.Arbitrary<Script> = scripts.map((script) => ({
  ...script,
  pagesPerCall: 40,
  maxTweetsPerMonth: null,
  x: script.x.filter((one) => !SLOW.includes(one.fault)).map((one) => ({ ...one, times: 1 })),
  steps: script.steps.map(({ executions, arrivals, ...step }, index) => ({
    ...step,
    waitSeconds: index === 0 ? step.waitSeconds : 1,
    // A tweet that is found an hour late would have to be waited for.
    arrivals: arrivals.map((one) => ({ ...one, delaySeconds: 0 })),
    executions: executions.slice(0, 1).map((one) => ({
      ...one,
      kills: one.kills.map((kill) => ({ ...kill, call: 1 + (kill.call % 25) })),
    })),
  })),
}));
