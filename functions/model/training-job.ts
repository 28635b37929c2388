import { TrainingInstanceType } from '@aws-sdk/client-sagemaker';
import type { Channel, CreateTrainingJobRequest, Tag } from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';
import { uriOf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import type { FunctionSettings } from '../settings/settings';
import type { EncoderChoice } from './encoders';
import { modelKeys } from './names';

/** The lines `ml/training/train.py` prints, as metrics of the job. */
const metrics = [
  { Name: 'val_macro_recall', Regex: 'val_macro_recall=([0-9.]+)' },
  { Name: 'train_loss', Regex: ' loss=([0-9.]+)' },
  { Name: 'pretrain_loss', Regex: 'pretrain_loss=([0-9.]+)' },
  { Name: 'tweets_per_second', Regex: 'tweets_per_second=([0-9.]+)' },
  { Name: 'test_macro_recall', Regex: 'test_macro_recall=([0-9.]+)' },
];

interface Job {
  jobName: string;
  roleArn: string;
  keyArn: string;
  image: string;
  tags: Tag[];
  settings: FunctionSettings['training'];
  hyperparameters: Record<string, string>;
  /** Whether anything is published that a manifest names. */
  hasTweets: boolean;
  /** Address of the champion's archive; null in the first run. */
  championUri: string | null;
  /**
   * Address of the archive of the best model of the last days, if it is not the champion.
   *
   * @default - no such channel
   */
  bestUri?: string | null;
  /** The encoder to start from, or the corpora to make one of; null without corpora. */
  encoder: EncoderChoice | null;
  /**
   * Where the job's inputs lie.
   *
   * @default - at the job's own
   */
  inputs?: ReturnType<typeof modelKeys>;
  /** @default model-outputs/ */
  outputPrefix?: string;
}

/** The training job: cut off from the network, encrypted with the lake's key, and bounded in time. */
export function trainingJob(lake: LakeBucket, job: Job): CreateTrainingJobRequest {
  const keys = job.inputs ?? modelKeys(job.jobName);
  const channels = [
    manifestChannel('labels', uriOf(lake, keys.labelsManifest)),
    prefixChannel('request', uriOf(lake, keys.request)),
    ...(job.hasTweets ? [manifestChannel('tweets', uriOf(lake, keys.tweetsManifest))] : []),
    ...(job.championUri === null ? [] : [prefixChannel('champion', job.championUri)]),
    ...(job.bestUri ? [prefixChannel('best', job.bestUri)] : []),
    ...encoderChannels(lake, job),
  ];
  return {
    TrainingJobName: job.jobName,
    RoleArn: job.roleArn,
    Tags: job.tags,
    AlgorithmSpecification: {
      TrainingImage: job.image,
      TrainingInputMode: 'File',
      MetricDefinitions: metrics,
    },
    HyperParameters: job.hyperparameters,
    InputDataConfig: channels,
    OutputDataConfig: {
      S3OutputPath: uriOf(lake, job.outputPrefix ?? prefixes.models),
      KmsKeyId: job.keyArn,
    },
    ResourceConfig: {
      InstanceType: z.enum(TrainingInstanceType).parse(job.settings.instanceType),
      InstanceCount: 1,
      VolumeSizeInGB: job.settings.volumeGb,
      VolumeKmsKeyId: job.keyArn,
    },
    StoppingCondition: {
      MaxRuntimeInSeconds: job.settings.maxSeconds,
      // Must be there for spot capacity, must be as long at least, and must not be there without.
      ...(job.settings.spot && {
        MaxWaitTimeInSeconds: Math.max(job.settings.maxSeconds, job.settings.maxWaitSeconds),
      }),
    },
    // No checkpoints: a training takes minutes, and one that AWS ends begins anew.
    ...(job.settings.spot && { EnableManagedSpotTraining: true }),
    EnableNetworkIsolation: true,
    // The profiler writes beside the output, where the job's role may not.
    ProfilerConfig: { DisableProfiler: true },
  };
}

/** The encoder, or the corpora while there is none yet. */
function encoderChannels(lake: LakeBucket, { encoder }: Job): Channel[] {
  if (encoder === null) return [];
  return encoder.uri === null
    ? [prefixChannel('corpora', uriOf(lake, prefixes.corpora))]
    : [prefixChannel('encoder', encoder.uri)];
}

const prefixChannel = (name: string, uri: string): Channel => channel(name, 'S3Prefix', uri);
const manifestChannel = (name: string, uri: string): Channel => channel(name, 'ManifestFile', uri);

const channel = (
  ChannelName: string,
  S3DataType: 'S3Prefix' | 'ManifestFile',
  S3Uri: string,
): Channel => ({
  ChannelName,
  InputMode: 'File',
  DataSource: { S3DataSource: { S3DataType, S3Uri, S3DataDistributionType: 'FullyReplicated' } },
});
