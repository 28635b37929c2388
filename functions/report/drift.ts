import { z } from 'zod';
import type { Query } from '../../queries/query';
import { StepError } from '../../workflows/errors';
import type { Champion, Drift, RunState } from '../../workflows/payloads';
import { hasSucceeded, rowsOf, startQuery } from '../lake/athena';
import type { AthenaContext, Row } from '../lake/athena';
import { getJson, keyOf, putJson } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import { DRIFT_KEY } from '../model/drift-training';
import type { LastDrift } from '../model/drift-training';
import { languageList } from '../model/languages';
import type { FunctionSettings } from '../settings/settings';
import { DAY_MS, utcDay } from '../shared/clock';
import type { Clock } from '../shared/clock';
import { beyondLimit, measuresOf } from './drift-measures';

export interface DriftDependencies {
  lake: LakeBucket;
  athena: AthenaContext;
  queries: { drift: Query; risingWords: Query };
  settings: FunctionSettings['drift'];
  languages: readonly string[];
  clock: Clock;
}

/** Both queries scan some days of two tables: seconds. The rest of the step's time is for its report. */
const QUERIES_MS = 4 * 60 * 1000;
const PAUSE_MS = 500;
/** Nine measures of a few values, and the languages. */
const MOST_ROWS = 1000;
const WORDS = 20;

/** One that does not fit is no reason to fail a run: the report says so. */
const AnyManifest = z.unknown();
/** What a manifest says of the training's tweets. Models of every release have it. */
const Manifest = z.object({
  request: z.object({ cleaned_data: z.array(z.object({ date: z.iso.date() })) }),
});

interface Span {
  from: string;
  to: string;
}

/**
 * Compares the tweets of the last days with those that the model in service was trained on: those of the newest
 * `referenceDays` days of its training that are older than the new days. Agreements are compared with the
 * `referenceDays` days just before the new ones, trained on or not: with an old model the others would say nothing of the
 * last month. Never fails a run for a comparison that is not
 * possible: the answer says why.
 */
export async function compareDrift(
  deps: DriftDependencies,
  { plan }: RunState,
  champion: Champion | null,
  idempotencyKey: readonly (string | number)[],
): Promise<Drift> {
  const none = (reason: string): Drift => ({ status: 'NOT_COMPARED', reason });
  if (champion === null) return none('no model is in service yet');
  const days = spanBefore(plan.date, deps.settings.days);
  const trained = await trainingDays(deps.lake, champion);
  if (trained === null)
    return none(`${champion.manifestUri} does not say which days ${champion.modelVersion} read`);
  const { referenceDays } = deps.settings;
  const reference = referenceSpan(trained, days.from, referenceDays);
  if (reference === null)
    return none(`${champion.modelVersion} was trained on no day before ${days.from}`);
  const month = spanBefore(dayBefore(days.from), referenceDays);
  try {
    const spans = { days, reference, month };
    const { buckets, words } = await ask(deps, champion, spans, idempotencyKey);
    return {
      status: 'COMPARED',
      modelVersion: champion.modelVersion,
      ...spans,
      measures: measuresOf(buckets, words, deps.settings),
    };
  } catch (error) {
    if (error instanceof StepError && error.name === 'QueryFailed') return none(error.message);
    throw error;
  }
}

/** So many days up to and with `last`. */
const spanBefore = (last: string, days: number): Span => ({
  from: utcDay(new Date(Date.parse(last) - (days - 1) * DAY_MS)),
  to: last,
});

const dayBefore = (day: string): string => utcDay(new Date(Date.parse(day) - DAY_MS));

async function trainingDays(lake: LakeBucket, champion: Champion): Promise<string[] | null> {
  const found = await getJson(lake, keyOf(lake, champion.manifestUri), AnyManifest);
  const manifest = Manifest.safeParse(found?.value).data;
  return manifest?.request.cleaned_data.map(({ date }) => date).sort() ?? null;
}

/** The newest days of the training before the new ones: a span, because a query names two days and no list. */
export function referenceSpan(
  trained: readonly string[],
  before: string,
  days: number,
): Span | null {
  const last = trained.filter((day) => day < before).at(-1);
  if (last === undefined) return null;
  const { from } = spanBefore(last, days);
  return { from: trained.find((day) => day >= from) ?? last, to: last };
}

const Count = z.coerce.number().int().nonnegative();
const BucketRow = z.object({
  measure: z.string(),
  bucket: z.string(),
  new_tweets: Count,
  reference_tweets: Count,
});
const WordRow = z.object({ word: z.string(), new_tweets: Count, reference_tweets: Count });

async function ask(
  deps: DriftDependencies,
  { modelVersion }: Champion,
  { days, reference, month }: { days: Span; reference: Span; month: Span },
  idempotencyKey: readonly (string | number)[],
) {
  const { athena, queries, languages, clock } = deps;
  const common = {
    from_day: days.from,
    to_day: days.to,
    reference_from: reference.from,
    reference_to: reference.to,
    languages: languageList(languages),
  };
  const started = await Promise.all([
    startQuery(
      athena,
      queries.drift,
      { ...common, month_from: month.from, month_to: month.to, model_version: modelVersion },
      idempotencyKey,
    ),
    startQuery(athena, queries.risingWords, { ...common, top: WORDS }, idempotencyKey),
  ]);
  const until = clock.now().valueOf() + QUERIES_MS;
  const rows: Row[][] = [];
  for (const id of started) {
    while (!(await hasSucceeded(athena, id))) {
      if (clock.now().valueOf() > until)
        throw new StepError('QueryFailed', `The query ${id} did not end within four minutes`);
      await clock.sleep(PAUSE_MS);
    }
    rows.push(await rowsOf(athena, id, MOST_ROWS));
  }
  const [buckets = [], words = []] = rows;
  return {
    buckets: buckets.map((row) => BucketRow.parse(row)),
    words: words.map((row) => WordRow.parse(row)),
  };
}

/** Keeps a result for the next training. One that was not possible leaves the last result. */
export async function keepDrift(
  { lake, clock }: Pick<DriftDependencies, 'lake' | 'clock'>,
  runId: string,
  drift: Drift,
): Promise<void> {
  if (drift.status !== 'COMPARED') return;
  await putJson(lake, DRIFT_KEY, {
    schemaVersion: 1,
    runId,
    comparedAt: clock.now().toISOString(),
    modelVersion: drift.modelVersion,
    beyond: beyondLimit(drift).map(({ name }) => name),
  } satisfies LastDrift);
}
