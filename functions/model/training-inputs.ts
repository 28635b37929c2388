import { createHash } from 'node:crypto';
import { z } from 'zod';
import { durable, lenient } from '../../workflows/durable';
import { StepError } from '../../workflows/errors';
import type { Champion, RunPlan } from '../../workflows/payloads';
import { goldenTweets } from './golden-tweets';
import type { Catalog } from '../lake/catalog';
import { labelObjects } from '../lake/fingerprints';
import { keyOf, listObjects, uriOf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import type { FunctionSettings } from '../settings/settings';
import { chooseEncoder, EncoderChoice } from './encoders';
import type { PromotedModel } from './promotions';
import { publishedDays } from '../lake/published';
import type { PublishedDay } from '../lake/published';
import { inParallel } from '../shared/in-parallel';

export interface Build {
  trainingImage: string;
  servingImage: string;
  gitCommit: string;
  gitDirty: boolean;
  /** SHA-256 of package-lock.json, by which the serving program is built. */
  packageLock: string;
}

const TrainingRequestFields = z.object({
  schema_version: z.literal(1),
  run_id: z.string(),
  execution_arn: z.string(),
  /** Of the first of these days the job may have got a part of the files; its manifest names them. */
  cleaned_data: z.array(
    lenient(
      z.object({
        date: z.string(),
        version: z.string(),
        location: z.string(),
        rows: z.number(),
      }),
    ),
  ),
  labels: z.array(lenient(z.object({ uri: z.string(), etag: z.string() }))),
  /** The champion that the candidate is compared with; null in the first run. */
  champion: lenient(z.object({ version: z.string(), uri: z.string() })).nullable(),
  /**
   * The last training whose candidate was decided on. A job that would learn from the same trains nothing. Null if a
   * training is wanted in any case.
   */
  last_training: lenient(z.object({ version: z.string(), training_input: z.string() }))
    .nullable()
    .default(null),
  /**
   * The best model of the last days, if it is another one; requests of older releases name none. `digest` is unknown
   * for models of older releases.
   */
  best: lenient(z.object({ version: z.string(), uri: z.string(), digest: z.string().optional() }))
    .nullable()
    .default(null),
  /** Texts to answer for the gate, which alone knows what is right. */
  golden_tweets: z.array(z.string()),
  /** Of the evaluation's intervals. */
  level: z.number(),
  /** Hash of the settings by which the gate decides on the candidate; null in requests of older releases. */
  gate: z.string().nullable().default(null),
  /** Of tweets that no person has labelled; a label counts whatever its text's language. */
  languages: z.array(z.string()),
  hyperparameters: z.record(z.string(), z.string()),
  /** Null without corpora; requests written before there were encoders say nothing. */
  encoder: EncoderChoice.nullable().default(null),
  images: lenient(z.object({ training: z.string(), serving: z.string() })),
  git: lenient(z.object({ commit: z.string(), dirty: z.boolean() })),
  /** SHA-256 by file; the training's own requirements.txt is among the manifest's inputs. */
  lockfiles: z.record(z.string(), z.string()),
  fingerprint: z.string(),
});
/** `request.json`: what a model's manifest must name and only this side knows. */
export const TrainingRequest = durable('A training request', TrainingRequestFields);
/** What `lake -- forget` asks: which data a training was given, whatever else its release asked for. */
export const TrainingData = durable(
  'A training request',
  TrainingRequestFields.pick({ schema_version: true, cleaned_data: true, labels: true }),
);
export type TrainingRequest = z.infer<typeof TrainingRequest>;

/** SageMaker takes hyperparameters as strings only. What the run asks for goes before the settings. */
export const hyperparametersOf = (
  { training }: Pick<RunPlan, 'training'>,
  { serves, int8Tolerance }: Pick<FunctionSettings['training'], 'serves' | 'int8Tolerance'>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ serves, int8_tolerance: int8Tolerance, ...training }).flatMap(
      ([name, value]) => (value === undefined ? [] : [[name, String(value)]]),
    ),
  );

/** Everything the training will see: published days, labels, options and code. */
export async function trainingRequest(
  lake: LakeBucket,
  catalog: Catalog,
  {
    plan,
    executionArn,
    build,
    languages,
    settings,
    champion,
    last,
    best,
    level,
    gate,
  }: {
    plan: RunPlan;
    executionArn: string;
    build: Build;
    languages: readonly string[];
    settings: FunctionSettings['training'];
    champion: Champion | null;
    last: TrainingRequest['last_training'];
    best: PromotedModel | null;
    level: number;
    gate: string;
  },
): Promise<{ request: TrainingRequest; tweetKeys: string[] }> {
  const { days, keys: tweetKeys } = await newestTweets(
    lake,
    await publishedDays(catalog),
    settings.tweetsGb * 1e9,
  );
  const labels = await labelObjects(lake);
  const seen = {
    cleaned_data: days.map(({ date, version, location, rows }) => ({
      date,
      version,
      location,
      rows,
    })),
    labels: labels.map(({ key, etag }) => ({ uri: uriOf(lake, key), etag })),
    languages: [...languages],
    hyperparameters: hyperparametersOf(plan, settings),
    encoder: await chooseEncoder(lake),
    images: { training: build.trainingImage, serving: build.servingImage },
    gate,
  };
  const request: TrainingRequest = {
    schema_version: 1,
    run_id: plan.runId,
    execution_arn: executionArn,
    ...seen,
    champion: champion && { version: champion.modelVersion, uri: champion.modelUri },
    last_training: last,
    best: best && {
      version: best.version,
      uri: best.modelUri,
      ...(best.digest !== undefined && { digest: best.digest }),
    },
    golden_tweets: goldenTweets.map(({ text }) => text),
    level,
    git: { commit: build.gitCommit, dirty: build.gitDirty },
    lockfiles: { 'package-lock.json': build.packageLock },
    fingerprint: fingerprintOf(seen),
  };
  return { request, tweetKeys };
}

/** Days whose files are listed at a time. */
const LISTED_AT_A_TIME = 16;

/**
 * The newest published days and the keys of their files, in key order, as far as these fit into so many bytes. Of the
 * oldest of the days there may be a part of the files only. A training then takes no longer and needs no larger volume
 * when the lake grows. It gets no copy of the chosen rows: a copy would have to be erased, expired and guarded, too.
 * Throws `TrainingFailed` if not even the newest file fits.
 */
export async function newestTweets(
  lake: LakeBucket,
  published: readonly PublishedDay[],
  maxBytes: number,
): Promise<{ days: PublishedDay[]; keys: string[] }> {
  const newestFirst = published.toReversed();
  const days: PublishedDay[] = [];
  const keys: string[] = [];
  let bytes = 0;
  for (let start = 0; start < newestFirst.length; start += LISTED_AT_A_TIME) {
    const some = newestFirst.slice(start, start + LISTED_AT_A_TIME);
    const listed = await inParallel(LISTED_AT_A_TIME, some, async (day) => ({
      day,
      files: await listObjects(lake, keyOf(lake, day.location)),
    }));
    for (const { day, files } of listed) {
      for (const file of files.filter(({ key }) => key.endsWith('.parquet'))) {
        bytes += file.bytes;
        if (bytes > maxBytes) {
          if (keys.length > 0) return { days: days.toReversed(), keys: keys.sort() };
          throw new StepError(
            'TrainingFailed',
            `${uriOf(lake, file.key)} has ${gigabytes(file.bytes)} GB, but a training reads ${gigabytes(maxBytes)} GB of ` +
              'tweets at most. Raise training.tweetsGb in infra/config.ts, and training.volumeGb with it; deploy, then ' +
              'start a run of mode "retrain".',
          );
        }
        if (days.at(-1) !== day) days.push(day);
        keys.push(file.key);
      }
    }
  }
  return { days: days.toReversed(), keys: keys.sort() };
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(2);

/**
 * Equal for two trainings that are given the same and whose candidates the same gate decides on; the serving image is no
 * part of what is learnt. Two that are given something else may still learn from the same rows: only the job knows
 * (ml/training/lstm/inputs.py).
 */
function fingerprintOf(
  seen: Pick<
    TrainingRequest,
    'cleaned_data' | 'labels' | 'languages' | 'hyperparameters' | 'images' | 'encoder' | 'gate'
  >,
): string {
  const parts = [
    seen.cleaned_data.map(({ date, version }) => [date, version]),
    seen.labels.map(({ uri, etag }) => [uri, etag]),
    seen.languages,
    Object.entries(seen.hyperparameters).sort(),
    seen.images.training,
    // Not where it lies: whether it was made before or on the way is all the same.
    seen.encoder?.version ?? null,
    seen.gate,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** SageMaker's manifest of exactly the label objects that the request names: no other can slip in meanwhile. */
export const labelsManifest = (
  lake: LakeBucket,
  prefix: string,
  labels: TrainingRequest['labels'],
): unknown[] => [
  { prefix: uriOf(lake, prefix) },
  ...labels.map(({ uri }) => uri.slice(uriOf(lake, prefix).length)),
];

/** SageMaker's manifest of exactly these files: the common prefix, then keys relative to it. */
export const tweetsManifest = (
  lake: LakeBucket,
  prefix: string,
  keys: readonly string[],
): unknown[] => [{ prefix: uriOf(lake, prefix) }, ...keys.map((key) => key.slice(prefix.length))];
