import { setImmediate as breathe } from 'node:timers/promises';
import { ingestTweets } from '../../../functions/ingest-tweets';
import { randomMarker } from '../../../functions/lake/forgotten';
import { recentSearch } from '../../../functions/x/client';
import type { Search } from '../../../functions/x/client';
import type { BearerToken } from '../../../functions/x/token';
import { RunState, progressKeys } from '../../../workflows/payloads';
import type { Gap, IngestTweetsOutput } from '../../../workflows/payloads';
import { perPollingKey } from '../../../workflows/steps';
import { TestClock } from '../../functions/support/clock';
import { BUCKET, MemoryKinesis, MemoryS3, STREAM } from './aws';
import { Incarnation, Killed, type KillPoint } from './incarnation';
import type { Execution, Script } from './script';
import { QUERIES, World, type XHost } from './world';

export const LATE_SECONDS = 600;
// Hostile servers are not followed for ever: by the drill neither.
const MAX_CALLS = 120;
const MAX_WAITS = 600;
const QUIET_RUNS = 12;
const QUIET: Execution = {
  mode: 'nightly',
  queries: 'both',
  maxTweets: 1000,
  redrives: 0,
  kills: [],
};
const CLOSED_AFTER_MS = 11 * 24 * 3600 * 1000;
const FAILURES_TO_EXPECT =
  /^(XUnavailable|XRequestRejected|XAuthenticationFailed|RunInProgress|ServiceBusy|ConditionalRequestConflict)$/;

interface Spent {
  limit: number;
  posts: number;
}

/** What happened, and what is left. */
export interface Played {
  script: Script;
  world: World;
  s3: MemoryS3;
  kinesis: MemoryKinesis;
  /** By query: when X was asked for it first. */
  firstAsked: Map<string, number>;
  gaps: Gap[];
  spentByRun: Map<string, Spent>;
  spentByMonth: Map<string, number>;
  /** What must not happen to anybody, in words. */
  wrong: string[];
}

/** Plays a script to its end, and then lets the dust settle. */
export class Player implements Played {
  readonly clock: TestClock;
  readonly world: World;
  readonly s3: MemoryS3;
  readonly kinesis: MemoryKinesis;
  readonly firstAsked = new Map<string, number>();
  readonly gaps: Gap[] = [];
  readonly spentByRun = new Map<string, Spent>();
  readonly spentByMonth = new Map<string, number>();
  readonly wrong: string[] = [];
  /** Call by call, for whoever looks into a failure. */
  readonly log: string[] = [];
  private readonly running = new Set<string>();
  private executions = 0;
  protected maxTweetsPerMonth: number | null;

  constructor(
    readonly script: Script,
    protected readonly x: XHost,
    clock = new TestClock(script.startsAt),
  ) {
    this.clock = clock;
    this.world = new World(() => this.clock.now().valueOf(), {
      pageSize: script.pageSize,
      faults: script.x,
    });
    this.s3 = new MemoryS3(new Map(script.s3), () => this.clock.now());
    this.kinesis = new MemoryKinesis(new Map(script.kinesis));
    this.maxTweetsPerMonth = script.maxTweetsPerMonth;
    x.handler = this.world.handle;
  }

  async play(): Promise<void> {
    for (const [index, { waitSeconds, arrivals, executions }] of this.script.steps.entries()) {
      const before = this.clock.now().valueOf();
      // The history lies before the start, all else between the runs.
      if (index > 0) await this.wait(waitSeconds);
      const now = this.clock.now().valueOf();
      const from = index > 0 ? before : now - waitSeconds * 1000;
      for (const { words, share, delaySeconds } of arrivals) {
        const createdAt = Math.floor(from + share * (now - from - 1));
        this.world.post(words, createdAt, createdAt + delaySeconds * 1000);
      }
      await Promise.all(executions.map((execution) => this.execute(execution)));
    }
    await this.settle();
  }

  /** Days later, every day is closed and compacted by runs that are killed, and at last by one that is not. */
  async closeDays(): Promise<void> {
    this.clock.advance(CLOSED_AFTER_MS);
    for (const kill of this.script.compactionKills) {
      await this.execute({ ...QUIET, kills: [{ ...kill, of: 'execution' }] });
      this.clock.advance(1000);
    }
    const output = await this.execute(QUIET);
    if (output?.status !== 'DONE') this.wrong.push('the last run was not done');
  }

  protected async wait(seconds: number): Promise<void> {
    this.clock.advance(seconds * 1000);
  }

  /** Runs without faults, until one leaves nothing to do. */
  private async settle(): Promise<void> {
    this.quiet();
    this.maxTweetsPerMonth = null;
    const lastSight = Math.max(0, ...this.world.posts.map(({ visibleAt }) => visibleAt));
    this.clock.advance(Math.max(0, lastSight - this.clock.now().valueOf()) + 1000);
    for (let run = 0; run < QUIET_RUNS; run += 1) {
      const output = await this.execute(QUIET);
      this.clock.advance(1000);
      if (output?.status === 'DONE' && output.complete && output.queued === 0) return;
    }
    this.wrong.push(`${QUIET_RUNS} runs without any fault did not come to an end`);
  }

  protected quiet(): void {
    this.world.quiet(this.script.pageSize);
    this.s3.quiet = true;
    this.kinesis.quiet = true;
  }

  /** What Step Functions does with the state `Ingest tweets`. */
  private async execute(execution: Execution): Promise<IngestTweetsOutput | null> {
    this.executions += 1;
    const name = `run-${this.executions}`;
    const arn = `arn:aws:states:us-east-1:000000000000:execution:drill:${name}`;
    this.running.add(arn);
    this.spentByRun.set(name, { limit: execution.maxTweets, posts: 0 });
    const kills = [...execution.kills];
    let redrives = execution.redrives;
    let attempt = 0;
    let before: IngestTweetsOutput | null = null;
    let waits = 0;
    try {
      for (let call = 0; call < MAX_CALLS;) {
        const kill = kills.shift() ?? null;
        const input = this.input({ arn, name }, attempt, execution, before);
        try {
          before = await this.invoke(name, kill, input);
        } catch (error) {
          call += 1;
          this.log.push(
            `${name} ${error instanceof Error ? `${error.name}: ${error.message}` : ''}`,
          );
          if (error instanceof Killed) {
            if (kill?.of === 'execution') return null;
            continue;
          }
          this.judge(name, error);
          if (redrives === 0) return null;
          redrives -= 1;
          attempt += 1;
          continue;
        }
        this.log.push(`${name} ${before.status} ${JSON.stringify(before)}`);
        if (before.status === 'DONE') {
          this.gaps.push(...before.gaps);
          return before;
        }
        if (before.status === 'BUSY') {
          waits += 1;
          if (waits > MAX_WAITS) return null;
          await breathe();
        } else {
          call += 1;
        }
        if (before.status !== 'MORE') {
          this.clock.advance(Math.max(0, Date.parse(before.resumeAt) - this.clock.now().valueOf()));
        }
      }
      this.wrong.push(`${name} was not done after ${MAX_CALLS} calls`);
      return null;
    } finally {
      this.running.delete(arn);
    }
  }

  /** One call of the Lambda; throws `Killed` when it did not live to answer. */
  protected invoke(
    run: string,
    kill: KillPoint | null,
    input: unknown,
  ): Promise<IngestTweetsOutput> {
    const incarnation = new Incarnation(kill);
    return incarnation.run(() => this.ingest(incarnation, run)(input));
  }

  private judge(run: string, error: unknown): void {
    const isExpected = error instanceof Error && FAILURES_TO_EXPECT.test(error.name);
    if (!isExpected) {
      this.wrong.push(`${run} failed: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }

  private ingest(incarnation: Incarnation, run: string) {
    const real = recentSearch(this.x.url, TOKEN, this.clock, { silenceMs: 100, answerMs: 2000 });
    const search: Search = (request) =>
      incarnation.call(async () => {
        this.asked(request.query);
        const answer = await real(request);
        // A server that sends more than was asked for is beyond anybody's budget.
        if (answer.kind === 'page')
          this.spend(run, Math.min(answer.tweets.length, request.maxResults));
        return answer;
      });
    return ingestTweets({
      lake: { s3: this.s3.client(incarnation), bucket: BUCKET },
      kinesis: this.kinesis.client(incarnation),
      stream: STREAM,
      clock: this.clock,
      search,
      isRunning: async (arn) => this.running.has(arn),
      marker: async () => MARKER,
      settings: {
        usdPerPost: 0.005,
        usdPerUser: 0.01,
        authorNames: true,
        maxTweetsPerMonth: this.maxTweetsPerMonth,
        lateTweetSeconds: LATE_SECONDS,
      },
      limits: { milliseconds: 150_000, pages: this.script.pagesPerCall },
    });
  }

  protected asked(query: string): void {
    const name = QUERIES.find(({ query: text }) => text === query)?.name;
    if (name && !this.firstAsked.has(name)) this.firstAsked.set(name, this.clock.now().valueOf());
  }

  protected spend(run: string, posts: number): void {
    const spent = this.spentByRun.get(run);
    if (spent) spent.posts += posts;
    if (this.maxTweetsPerMonth === null) return;
    const month = this.clock.now().toISOString().slice(0, 7);
    this.spentByMonth.set(month, (this.spentByMonth.get(month) ?? 0) + posts);
  }

  private input(
    execution: { arn: string; name: string },
    attempt: number,
    { mode, queries, maxTweets }: Execution,
    ingest: IngestTweetsOutput | null,
  ): unknown {
    const pending = Object.fromEntries(progressKeys.map((key) => [key, { status: 'PENDING' }]));
    const startedAt = this.clock.now().toISOString();
    return {
      execution: { ...execution, startTime: startedAt },
      attempt,
      state: RunState.parse({
        ...pending,
        plan: {
          runId: execution.name,
          mode,
          date: startedAt.slice(0, 10),
          startedAt,
          skip: null,
          source: { kind: 'news' },
          queries: QUERIES.filter(({ name }) => queries === 'both' || name === queries),
          maxTweets,
          maxSpendUsd: 5,
          reprocess: [],
          force: null,
          training: {},
          poll: perPollingKey(() => 1),
        },
        ...(ingest && { ingest }),
      }),
    };
  }
}

const MARKER = randomMarker();

const TOKEN: BearerToken = {
  secretArn: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:x',
  read: async () => 'token',
  forget: () => undefined,
};
