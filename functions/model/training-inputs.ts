import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Champion, RunPlan } from '../../workflows/payloads';
import { goldenTweets } from '../golden-tweets';
import type { Catalog } from '../lake/catalog';
import { labelObjects } from '../lake/fingerprints';
import { keyOf, listObjects, uriOf } from '../lake/objects';
import type { Lake } from '../lake/objects';
import { publishedDays } from '../lake/published';

export interface Build {
  trainingImage: string;
  servingImage: string;
  gitCommit: string;
  gitDirty: boolean;
  /** SHA-256 of package-lock.json, by which the serving program is built. */
  packageLock: string;
}

/** `request.json`: what a model's manifest must name and only this side knows. */
export const TrainingRequest = z.strictObject({
  schema_version: z.literal(1),
  run_id: z.string(),
  execution_arn: z.string(),
  cleaned_data: z.array(
    z.strictObject({
      date: z.string(),
      version: z.string(),
      location: z.string(),
      rows: z.number(),
    }),
  ),
  labels: z.array(z.strictObject({ uri: z.string(), etag: z.string() })),
  /** What the candidate is compared with; null on the first night. */
  champion: z.strictObject({ version: z.string(), uri: z.string() }).nullable(),
  /** Texts to answer for the gate, which alone knows what is right. */
  golden_tweets: z.array(z.string()),
  /** Of the evaluation's intervals. */
  level: z.number(),
  /** Of tweets that no person has labelled; a label counts whatever its text's language. */
  languages: z.array(z.string()),
  hyperparameters: z.record(z.string(), z.string()),
  images: z.strictObject({ training: z.string(), serving: z.string() }),
  git: z.strictObject({ commit: z.string(), dirty: z.boolean() }),
  /** SHA-256 by file; the training's own requirements.txt is among the manifest's inputs. */
  lockfiles: z.record(z.string(), z.string()),
  fingerprint: z.string(),
});
export type TrainingRequest = z.infer<typeof TrainingRequest>;

/** SageMaker takes hyperparameters as strings only. */
export const hyperparametersOf = ({
  training,
}: Pick<RunPlan, 'training'>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(training).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  );

/** Everything the training will see: published days, labels, options and code. */
export async function trainingRequest(
  lake: Lake,
  catalog: Catalog,
  {
    plan,
    executionArn,
    build,
    languages,
    champion,
    level,
  }: {
    plan: RunPlan;
    executionArn: string;
    build: Build;
    languages: readonly string[];
    champion: Champion | null;
    level: number;
  },
): Promise<TrainingRequest> {
  const days = await publishedDays(catalog);
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
    hyperparameters: hyperparametersOf(plan),
    images: { training: build.trainingImage, serving: build.servingImage },
  };
  return {
    schema_version: 1,
    run_id: plan.runId,
    execution_arn: executionArn,
    ...seen,
    champion: champion && { version: champion.modelVersion, uri: champion.modelUri },
    golden_tweets: goldenTweets.map(({ text }) => text),
    level,
    git: { commit: build.gitCommit, dirty: build.gitDirty },
    lockfiles: { 'package-lock.json': build.packageLock },
    fingerprint: fingerprintOf(seen),
  };
}

/** Equal for two trainings that would see the same; the serving image is no part of what is learnt. */
function fingerprintOf(
  seen: Pick<
    TrainingRequest,
    'cleaned_data' | 'labels' | 'languages' | 'hyperparameters' | 'images'
  >,
): string {
  const parts = [
    seen.cleaned_data.map(({ date, version }) => [date, version]),
    seen.labels.map(({ uri, etag }) => [uri, etag]),
    seen.languages,
    Object.entries(seen.hyperparameters).sort(),
    seen.images.training,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** SageMaker's manifest of exactly the label objects that the request names: no other can slip in meanwhile. */
export const labelsManifest = (
  lake: Lake,
  prefix: string,
  labels: TrainingRequest['labels'],
): unknown[] => [
  { prefix: uriOf(lake, prefix) },
  ...labels.map(({ uri }) => uri.slice(uriOf(lake, prefix).length)),
];

/**
 * SageMaker's manifest of exactly the published versions' files: the common prefix, then keys relative to it.
 * Null when nothing is published, which a channel cannot express.
 */
export async function tweetsManifest(
  lake: Lake,
  prefix: string,
  days: TrainingRequest['cleaned_data'],
): Promise<unknown[] | null> {
  const objects = await Promise.all(
    days.map(({ location }) => listObjects(lake, keyOf(lake, location))),
  );
  const files = objects
    .flat()
    .map(({ key }) => key)
    .filter((key) => key.startsWith(prefix) && key.endsWith('.parquet'))
    .map((key) => key.slice(prefix.length));
  return files.length === 0 ? null : [{ prefix: uriOf(lake, prefix) }, ...files];
}
