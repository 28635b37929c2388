import {
  GetJobRunCommand,
  GetJobRunsCommand,
  GlueClient,
  StartJobRunCommand,
} from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { datasets, prefixes } from '../workflows/datasets';
import { StepError } from '../workflows/errors';
import {
  CleaningSummary,
  CleanTweetsOutput,
  MAX_DAYS_A_RUN,
  StepInput,
} from '../workflows/payloads';
import type { DueDay, RunState } from '../workflows/payloads';
import { aws } from './shared/aws';
import { lastDays, systemClock } from './shared/clock';
import type { Clock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import type { Catalog } from './lake/catalog';
import { keepDayList, readDayList } from './lake/day-lists';
import { LOOKBACK_DAYS, dayFingerprint, labelObjects, rawObjects } from './lake/fingerprints';
import { getJson, uriOf } from './lake/objects';
import type { LakeBucket } from './lake/objects';
import { publishedDays } from './lake/published';
import { rawDays, rawFolder } from './lake/raw-pages';
import { expiredDays } from './lake/retention';
import type { KeepDays } from './lake/retention';
import { Unreadables } from './lake/set-aside';
import { inParallel } from './shared/in-parallel';
import { onFirstCall, step } from './shared/step';

/** At most this many older days per run; the next run takes the rest. */
const MAX_LEFT_BEHIND = 31;
const MAX_RUNS_LISTED = 200;
/** Days whose raw pages are listed at a time. */
const LISTED_AT_A_TIME = 16;

interface Dependencies {
  lake: LakeBucket;
  catalog: Catalog;
  job: string;
  clock: Clock;
  keepDays: Pick<KeepDays, 'tweets'>;
}

type Running = Extract<CleanTweetsOutput, { status: 'RUNNING' }>;

/** Starts the Spark job for every day whose published snapshot is out of date. Throws `CleaningFailed`. */
export const cleanTweets = (deps: Dependencies) =>
  step(StepInput, CleanTweetsOutput, async ({ attempt, state }): Promise<CleanTweetsOutput> => {
    const { clean, plan } = state;
    if (clean.status === 'RUNNING' && clean.attempt === attempt) {
      return look(deps, clean);
    }
    const days = await daysToClean(deps, state);
    if (days.length === 0) {
      return { status: 'NOTHING_NEW' };
    }
    const version = `${plan.runId}-${attempt}`;
    const list = await keepDayList(deps.lake, version, 'due', days);
    const jobRunId =
      (await findRun(deps, version)) ?? (await startRun(deps, version, plan.runId, days));
    return { status: 'RUNNING', attempt, version, jobRunId, days: list };
  });

async function daysToClean(
  { lake, catalog, clock, keepDays }: Dependencies,
  { plan, ingest }: RunState,
): Promise<DueDay[]> {
  const touched = ingest.status === 'PENDING' ? [] : ingest.days;
  const forced = new Set(plan.reprocess);
  const labels = await labelObjects(lake);
  const published = new Map(
    (await publishedDays(catalog)).map(({ date, fingerprint }) => [date, fingerprint]),
  );
  // Older days whose run failed before publishing: no later ingest touches them again.
  const unpublished = (await rawDays(lake)).filter((day) => !published.has(day));
  // Expired days are not rebuilt from pages that the lifecycle has not deleted yet.
  const expired = new Set(await expiredDays(lake, unpublished, clock.now(), keepDays));
  const leftBehind = unpublished.filter((day) => !expired.has(day)).slice(0, MAX_LEFT_BEHIND);
  const candidates = [
    ...new Set([...forced, ...touched, ...leftBehind, ...lastDays(plan.date, LOOKBACK_DAYS)]),
  ].sort();
  // A busy day has ten thousand pages: the lists of all days at once would not fit into the Lambda.
  const days = await inParallel(LISTED_AT_A_TIME, candidates, async (date) => {
    const raw = await rawObjects(lake, date);
    return { date, isEmpty: raw.length === 0, fingerprint: dayFingerprint(raw, labels) };
  });
  // A forced day that has lost all its raw data is published without a row. Nothing else looks at it again: the
  // lookback passes over days without raw data.
  const isDue = ({ date, isEmpty, fingerprint }: (typeof days)[number]) =>
    forced.has(date)
      ? !isEmpty || published.has(date)
      : !isEmpty && fingerprint !== published.get(date);
  return withinOneRun(days.filter(isDue), new Set([...forced, ...touched])).map(
    ({ date, fingerprint }) => ({ date, fingerprint }),
  );
}

/**
 * All days of the run itself, and as many others as fit; the next run finds the rest again. Throws `CleaningFailed` if
 * the run's own days are too many.
 */
function withinOneRun<Due extends { date: string }>(due: Due[], own: ReadonlySet<string>): Due[] {
  const first = due.filter(({ date }) => own.has(date));
  if (first.length > MAX_DAYS_A_RUN) {
    throw new StepError(
      'CleaningFailed',
      `${first.length} days with tweets of this run, ${first[0]?.date} to ${first.at(-1)?.date}, are to be cleaned; one ` +
        `run takes ${MAX_DAYS_A_RUN}. Their raw data are in the lake: bring them up to date with several runs of mode ` +
        `"replay", each from a day to another at most ${MAX_DAYS_A_RUN} days later.`,
    );
  }
  const others = due.filter(({ date }) => !own.has(date));
  return [...first, ...others]
    .slice(0, MAX_DAYS_A_RUN)
    .sort((a, b) => a.date.localeCompare(b.date));
}

/** StartJobRun has no client token. If its response was lost, the version in the arguments identifies the job run. */
async function findRun(
  { catalog: { glue }, job }: Dependencies,
  version: string,
): Promise<string | null> {
  const { JobRuns = [] } = await glue.send(
    new GetJobRunsCommand({ JobName: job, MaxResults: MAX_RUNS_LISTED }),
  );
  return JobRuns.find(({ Arguments }) => Arguments?.['--version'] === version)?.Id ?? null;
}

async function startRun(
  { lake, catalog: { glue }, job }: Dependencies,
  version: string,
  runId: string,
  days: readonly { date: string }[],
): Promise<string> {
  try {
    const { JobRunId } = await glue.send(
      new StartJobRunCommand({
        JobName: job,
        Arguments: {
          '--days': days.map(({ date }) => date).join(','),
          '--version': version,
          '--run_id': runId,
          '--raw_uri': uriOf(lake, datasets.raw_tweets.prefix),
          '--labels_uri': uriOf(lake, datasets.labels.prefix),
          '--quarantine_uri': uriOf(lake, datasets.quarantine.prefix),
          '--cleaned_uri': uriOf(lake, datasets.tweets.prefix),
          '--summary_uri': uriOf(lake, summaryKey(version)),
        },
      }),
    );
    return JobRunId ?? '';
  } catch (error) {
    if (error instanceof Error && error.name === 'ConcurrentRunsExceededException') {
      throw new StepError('CleaningBusy', `The Glue job ${job} still runs for another execution.`, {
        cause: error,
      });
    }
    throw error;
  }
}

async function look(
  { lake, catalog: { glue }, job }: Dependencies,
  running: Running,
): Promise<CleanTweetsOutput> {
  const { JobRun } = await glue.send(
    new GetJobRunCommand({ JobName: job, RunId: running.jobRunId }),
  );
  switch (JobRun?.JobRunState) {
    case 'STARTING':
    case 'RUNNING':
    case 'STOPPING':
    case 'WAITING':
      return running;
    case 'SUCCEEDED':
      return done(lake, running);
    default:
      throw new StepError(
        'CleaningFailed',
        `Run ${running.jobRunId} of the Glue job ${job} ended as ${JobRun?.JobRunState ?? 'nothing known'}: ` +
          `${JobRun?.ErrorMessage ?? 'no message'}. Its log: ${JobRun?.LogGroupName ?? '/aws-glue/jobs'}`,
      );
  }
}

async function done(
  lake: LakeBucket,
  { version, jobRunId, days: list }: Running,
): Promise<CleanTweetsOutput> {
  const days = await readDayList(lake, 'due', list);
  const found = await getJson(lake, summaryKey(version), CleaningSummary);
  if (found === null) {
    throw new StepError(
      'CleaningFailed',
      `Run ${jobRunId} left no summary at ${uriOf(lake, summaryKey(version))}`,
    );
  }
  const { version: writtenVersion, days: written, ...summary } = found.value;
  const rows = new Map(written.map((day) => [day.date, day]));
  const skipped = new Set(summary.skipped_days);
  const cleaned = days.filter(({ date }) => !skipped.has(date));
  const missing = cleaned.filter(({ date }) => !rows.has(date)).map(({ date }) => date);
  if (writtenVersion !== version || missing.length > 0) {
    throw new StepError(
      'CleaningFailed',
      `The summary of run ${jobRunId} is of version ${writtenVersion} and lacks the days: ${missing.join(', ') || 'none'}`,
    );
  }
  const unreadables = new Unreadables();
  for (const day of skipped) unreadables.add(rawFolder(day), 'is of no day that can be cleaned');
  const unreadable = unreadables.report(summary.unreadable);
  if (cleaned.length === 0) {
    return { status: 'NOTHING_NEW' };
  }
  return {
    status: 'DONE',
    jobRunId,
    days: await keepDayList(
      lake,
      version,
      'cleaned',
      cleaned.map(({ date, fingerprint }) => ({
        date,
        fingerprint,
        version,
        rows: rows.get(date)?.rows ?? 0,
        moved: rows.get(date)?.moved,
        location: uriOf(lake, `${datasets.tweets.prefix}dt=${date}/run=${version}/`),
      })),
    ),
    summary: { ...summary, ...(unreadable && { unreadable }) },
  };
}

const summaryKey = (version: string): string => `${prefixes.cleaningSummaries}${version}.json`;

export const handler = onFirstCall(() => {
  const { BUCKET, DATABASE, GLUE_JOB, SETTINGS } = readEnvironment('clean-tweets');
  return cleanTweets({
    lake: { s3: aws(S3Client), bucket: BUCKET },
    catalog: { glue: aws(GlueClient), database: DATABASE },
    job: GLUE_JOB,
    clock: systemClock,
    keepDays: SETTINGS.keepDays,
  });
});
