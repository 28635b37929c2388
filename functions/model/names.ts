import { createHash } from 'node:crypto';
import type { Tag } from '@aws-sdk/client-sagemaker';
import { prefixes } from '../../workflows/datasets';

/** How the name of every model, its training job and its endpoint config begins, whatever the environment. */
export const modelNamePrefix = 'sl-';

/**
 * The training job of a stage's attempt: the same for every call of the attempt, so that a lost answer
 * cannot start a second job. SageMaker takes 63 letters, digits and hyphens; an execution's name may be
 * longer and hold others. The job's name is the model's version. `prefix`: the environment's (infra/naming.ts).
 */
export function trainingJobName(
  date: string,
  executionArn: string,
  attempt: number,
  prefix: string = modelNamePrefix,
): string {
  const hash = createHash('sha256')
    .update([executionArn, 'train', attempt].join(' '))
    .digest('hex')
    .slice(0, 12);
  return `${prefix}${date.replaceAll('-', '')}-${hash}`;
}

/** An endpoint's one variant, for good: an update with another name would be a new variant beside the old. */
export const VARIANT_NAME = 'AllTraffic';

/**
 * What a bill is sorted by: CloudFormation tags all it makes so, and what the run makes at SageMaker costs the most.
 * `lake` is `sentiment-lake-<env>`.
 */
export const costTags = (lake: string): Tag[] => [{ Key: 'application', Value: lake }];

/** Where everything of a model lies. */
export const modelKeys = (jobName: string) => ({
  tweetsManifest: `${prefixes.models}${jobName}/input/tweets.manifest`,
  labelsManifest: `${prefixes.models}${jobName}/input/labels.manifest`,
  request: `${prefixes.models}${jobName}/input/request.json`,
  archive: `${prefixes.models}${jobName}/output/model.tar.gz`,
  output: `${prefixes.models}${jobName}/output/output.tar.gz`,
  evaluation: `${prefixes.models}${jobName}/evaluation.json`,
  evaluationPage: `${prefixes.models}${jobName}/evaluation.html`,
  manifest: `${prefixes.models}${jobName}/manifest.json`,
});

export const CHAMPION_KEY = `${prefixes.models}champion.json`;
export const LATEST_TRAINING_KEY = `${prefixes.models}latest-training.json`;
export const PROMOTIONS_KEY = `${prefixes.models}promotions.json`;
