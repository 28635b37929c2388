import { createHash } from 'node:crypto';
import {
  CreateModelCommand,
  CreateTransformJobCommand,
  DeleteModelCommand,
  DescribeTransformJobCommand,
  StopTransformJobCommand,
  TransformInstanceType,
} from '@aws-sdk/client-sagemaker';
import type {
  CreateTransformJobRequest,
  DescribeTransformJobResponse,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import { resultPrefixes } from '../../workflows/datasets';
import { StepError } from '../../workflows/errors';
import type { Champion } from '../../workflows/payloads';
import { listObjects, uriOf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import type { FunctionSettings } from '../settings/settings';
import type { Clock } from '../shared/clock';
import { costTags } from './names';
import { transformQuota } from './quotas';
import { unlessItExists, unlessItIsGone } from './idempotent';

/** What transform jobs need beside their input. */
export interface Transforms {
  sageMaker: SageMakerClient;
  settings: FunctionSettings['scoring'];
  /** Image of the serving program. */
  image: string;
  /** The role that reads the input and writes the output; the container runs without it. */
  roleArn: string;
  keyArn: string;
  lakeName: string;
  /** How the environment's names in SageMaker begin. */
  modelPrefix: string;
}

const JSON_LINES = 'application/jsonlines';

/** Where a job's objects lie until its scores are published. A day's are below `dt=<day>/` in both. */
export const transformKeys = (jobName: string) => ({
  input: `${resultPrefixes.scoring}${jobName}/input/`,
  output: `${resultPrefixes.scoring}${jobName}/output/`,
});

/** The same for every call of an attempt, so that a lost answer cannot start a second job. */
export function transformJobName(
  date: string,
  idempotencyKey: readonly (string | number)[],
  prefix: string,
): string {
  const hash = createHash('sha256')
    .update([...idempotencyKey, 'score'].join(' '))
    .digest('hex')
    .slice(0, 12);
  return `${prefix}${date.replaceAll('-', '')}-${hash}`;
}

/**
 * The model of a transform job: the champion's archive in today's serving image. It is not the endpoint's model, which
 * may be of an older image, and whose role may not read tweets.
 */
function batchModel(champion: Champion, { image, roleArn, modelPrefix }: Transforms) {
  const { modelUri, digest = '' } = champion;
  const content = createHash('sha256').update([image, modelUri, digest].join(' ')).digest('hex');
  return {
    ModelName: `${modelPrefix}batch-${content.slice(0, 16)}`,
    ExecutionRoleArn: roleArn,
    PrimaryContainer: {
      Image: image,
      ModelDataUrl: champion.modelUri,
      ...(champion.digest !== undefined && { Environment: { MODEL_DIGEST: champion.digest } }),
    },
    EnableNetworkIsolation: true,
  };
}

export const transformJob = (
  lake: LakeBucket,
  jobName: string,
  modelName: string,
  { settings, keyArn, lakeName }: Transforms,
): CreateTransformJobRequest => ({
  TransformJobName: jobName,
  ModelName: modelName,
  // A payload is as many lines as fit into 1 MB, some thousand, which the serving program answers within a second or
  // two; while it computes one, the next is on its way. Two of the shortest texts are 46,000 lines at once.
  BatchStrategy: 'MultiRecord',
  MaxPayloadInMB: 1,
  MaxConcurrentTransforms: 2,
  TransformInput: {
    DataSource: {
      S3DataSource: { S3DataType: 'S3Prefix', S3Uri: uriOf(lake, transformKeys(jobName).input) },
    },
    ContentType: JSON_LINES,
    SplitType: 'Line',
  },
  TransformOutput: {
    S3OutputPath: uriOf(lake, transformKeys(jobName).output),
    Accept: JSON_LINES,
    AssembleWith: 'Line',
    KmsKeyId: keyArn,
  },
  TransformResources: {
    InstanceType: z.enum(TransformInstanceType).parse(settings.instanceType),
    InstanceCount: settings.instances,
    VolumeKmsKeyId: keyArn,
  },
  // Leaves the texts out of the output.
  DataProcessing: { JoinSource: 'Input', OutputFilter: "$['tweet_id','SageMakerOutput']" },
  Tags: costTags(lakeName),
});

/** Starts a job over what lies below its input. Throws `ScoringFailed` when the account has no instances for it. */
export async function startTransform(
  lake: LakeBucket,
  jobName: string,
  champion: Champion,
  transforms: Transforms,
): Promise<void> {
  const { sageMaker, settings } = transforms;
  const model = batchModel(champion, transforms);
  await unlessItExists(() => sageMaker.send(new CreateModelCommand(model)));
  const request = transformJob(lake, jobName, model.ModelName, transforms);
  try {
    await unlessItExists(() => sageMaker.send(new CreateTransformJobCommand(request)));
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ResourceLimitExceeded')) throw error;
    throw new StepError(
      'ScoringFailed',
      `SageMaker may start no transform job: ${error.message} Ask for ${settings.instances} or more of the quota ` +
        `"${transformQuota(settings)}" (Service Quotas, Amazon SageMaker; it takes hours to days), then redrive this execution.`,
      { cause: error },
    );
  }
}

/**
 * The job if it has completed; null while it runs. Throws `ScoringFailed` when it has failed, and stops a job that
 * takes longer than the settings allow.
 */
export async function completedTransform(
  jobName: string,
  { sageMaker, settings }: Transforms,
  clock: Clock,
): Promise<DescribeTransformJobResponse | null> {
  const job = await sageMaker.send(new DescribeTransformJobCommand({ TransformJobName: jobName }));
  switch (job.TransformJobStatus) {
    case 'Completed':
      return job;
    case 'Stopping':
      return null;
    case 'InProgress': {
      const begun = job.CreationTime?.valueOf() ?? clock.now().valueOf();
      if (clock.now().valueOf() - begun <= settings.maxSeconds * 1000) return null;
      await stopTransform(sageMaker, jobName);
      throw new StepError(
        'ScoringFailed',
        `The transform job ${jobName} was stopped, because it took longer than scoring.maxSeconds (${settings.maxSeconds}). ` +
          'Allow more time or more scoring.instances, then redrive this execution.',
      );
    }
    default:
      throw new StepError(
        'ScoringFailed',
        `The transform job ${jobName} ended as ${job.TransformJobStatus ?? 'unknown'}: ${job.FailureReason ?? 'no reason given'}. ` +
          'Its log: /aws/sagemaker/TransformJobs. A redrive of this execution scores again what is not scored yet.',
      );
  }
}

/** Deletes the model of a published job: the next job with it makes it again. */
export const removeTransformModel = (
  sageMaker: SageMakerClient,
  ModelName: string,
): Promise<void> => unlessItIsGone(() => sageMaker.send(new DeleteModelCommand({ ModelName })));

/** Stops a job; one that has ended already stays as it is. */
export async function stopTransform(sageMaker: SageMakerClient, jobName: string): Promise<void> {
  try {
    await sageMaker.send(new StopTransformJobCommand({ TransformJobName: jobName }));
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ValidationException')) throw error;
  }
}

/**
 * Whether a job of an earlier attempt can still be published: it runs or has completed, and its objects are there.
 * `forget` deletes them.
 */
export async function isUsable(
  lake: LakeBucket,
  jobName: string,
  { sageMaker }: Transforms,
): Promise<boolean> {
  const objects = await listObjects(lake, transformKeys(jobName).input);
  if (objects.length === 0) return false;
  const { TransformJobStatus } = await sageMaker.send(
    new DescribeTransformJobCommand({ TransformJobName: jobName }),
  );
  return TransformJobStatus === 'InProgress' || TransformJobStatus === 'Completed';
}
