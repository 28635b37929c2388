import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import {
  CreateTrainingJobCommand,
  DescribeTrainingJobCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import type { DescribeTrainingJobResponse } from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import { datasets, prefixes } from '../workflows/datasets';
import { StepError } from '../workflows/errors';
import { StepInput, TrainModelOutput } from '../workflows/payloads';
import type { Capacity, SetAside } from '../workflows/payloads';
import { aws } from './shared/aws';
import { systemClock } from './shared/clock';
import type { Clock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import type { Catalog } from './lake/catalog';
import {
  getBytes,
  getJson,
  getText,
  keyOf,
  listObjects,
  putJson,
  putText,
  uriOf,
} from './lake/objects';
import type { LakeBucket } from './lake/objects';
import { Unreadables } from './lake/set-aside';
import { jsonOf } from './lake/unpack';
import { unpack } from './model/archives';
import { readChampion, readLastTraining, recordLastTraining } from './model/champion';
import { bestOfDays } from './model/promotions';
import { claimDriftTraining } from './model/drift-training';
import { encoderFiles, keepEncoder } from './model/encoders';
import { gateSettings } from './model/gate-settings';
import { costTags, modelKeys, trainingJobName } from './model/names';
import { parseLoosely } from './model/read-evaluation';
import {
  TrainingRequest,
  labelsManifest,
  trainingRequest,
  tweetsManifest,
} from './model/training-inputs';
import type { Build } from './model/training-inputs';
import { startWithinQuotas } from './model/quotas';
import { trainingJob } from './model/training-job';
import { unlessItExists } from './model/idempotent';
import type { FunctionSettings } from './settings/settings';
import { log, onFirstCall, step } from './shared/step';

interface Dependencies {
  lake: LakeBucket;
  catalog: Catalog;
  sageMaker: SageMakerClient;
  roleArn: string;
  keyArn: string;
  /** Name of the lake, for cost allocation tags. */
  lakeName: string;
  /** Name prefix of the environment's models. */
  modelPrefix: string;
  build: Build;
  settings: Pick<FunctionSettings, 'training' | 'evaluation' | 'drift'>;
  languages: readonly string[];
  clock: Clock;
}

type Running = Extract<TrainModelOutput, { status: 'RUNNING' }>;

/**
 * Trains on the published days and the human labels. A nightly run trains nothing if the last training had the same
 * input and the gate has the same settings: the fingerprint of what a job would be given tells it at once, the job itself
 * by the rows that it chooses.
 */
export const trainModel = (deps: Dependencies) =>
  step(
    StepInput,
    TrainModelOutput,
    async ({ execution, attempt, state }): Promise<TrainModelOutput> => {
      const { lake, catalog, build } = deps;
      const { plan, train } = state;
      if (train.status === 'RUNNING' && train.attempt === attempt) {
        return look(deps, train);
      }
      const jobName = trainingJobName(plan.date, execution.arn, attempt, deps.modelPrefix);
      if ((await describeJob(deps.sageMaker, jobName)) !== null) {
        const started = await getJson(lake, modelKeys(jobName).request, TrainingRequest);
        return {
          status: 'RUNNING',
          attempt,
          jobName,
          fingerprint: started?.value.fingerprint ?? '',
        };
      }
      const last = plan.mode === 'nightly' ? await readLastTraining(lake) : null;
      const champion = (await readChampion(lake))?.value ?? null;
      const gate = gateSettings(deps.settings.evaluation);
      const { request, tweetKeys } = await trainingRequest(lake, catalog, {
        plan,
        executionArn: execution.arn,
        build,
        settings: deps.settings.training,
        champion,
        best:
          champion &&
          (await bestOfDays(lake, {
            now: deps.clock.now(),
            days: deps.settings.evaluation.bestOfDays,
            champion: champion.modelVersion,
          })),
        last: last && (await inputOf(lake, last.jobName, gate)),
        level: deps.settings.evaluation.level,
        gate,
        languages: deps.languages,
      });
      if (request.labels.length === 0) {
        throw new StepError(
          'NoLabels',
          `There are no human labels below ${uriOf(lake, datasets.labels.prefix)}, and models are evaluated only by them. ` +
            'Import some (npm run lake -- import-labels <file>), then redrive this execution.',
        );
      }
      const isSame = last?.fingerprint === request.fingerprint;
      const run = {
        executionArn: execution.arn,
        modelVersion: request.champion?.version,
        startedAt: plan.startedAt,
      };
      if (isSame && !(await claimDriftTraining(lake, deps.settings.drift, run))) {
        return {
          status: 'SKIPPED',
          reason: `${last.jobName} was trained on the same tweets, labels and options, for a gate with the same settings`,
        };
      }
      // Drift asks for a training of the same rows: the job must not skip it.
      const wanted = isSame ? { ...request, last_training: null } : request;
      await start(deps, jobName, wanted, tweetKeys);
      return { status: 'RUNNING', attempt, jobName, fingerprint: request.fingerprint };
    },
  );

/** Writes the job's inputs, then starts it. The job reads only what they name. */
async function start(
  deps: Dependencies,
  jobName: string,
  request: TrainingRequest,
  tweetKeys: readonly string[],
): Promise<void> {
  const { lake, sageMaker, roleArn, keyArn, settings } = deps;
  const keys = modelKeys(jobName);
  // A channel cannot be empty.
  if (tweetKeys.length > 0) {
    const tweets = tweetsManifest(lake, datasets.tweets.prefix, tweetKeys);
    await putJson(lake, keys.tweetsManifest, tweets);
  }
  const { prefix } = datasets.labels;
  await putJson(lake, keys.labelsManifest, labelsManifest(lake, prefix, request.labels));
  await putJson(lake, keys.request, request);
  const championUri = await scorableChampion(lake, request);
  const job = {
    jobName,
    roleArn,
    keyArn,
    tags: costTags(deps.lakeName),
    image: request.images.training,
    hyperparameters: request.hyperparameters,
    hasTweets: tweetKeys.length > 0,
    championUri,
    bestUri: request.best?.uri ?? null,
    encoder: request.encoder,
  };
  const started = await startWithinQuotas(settings.training, (training) =>
    unlessItExists(() =>
      sageMaker.send(
        new CreateTrainingJobCommand(trainingJob(lake, { ...job, settings: training })),
      ),
    ),
  );
  if ('refusal' in started)
    throw new StepError('TrainingQuotaExceeded', `${started.refusal} Then redrive this execution.`);
  log({ training: jobName, capacity: started.capacity });
}

const capacityOf = ({ EnableManagedSpotTraining }: DescribeTrainingJobResponse): Capacity =>
  EnableManagedSpotTraining === true ? 'spot' : 'on-demand';

/**
 * The champion's archive, if it exists. A channel without an object would fail the job, and so every nightly run.
 * Without the channel the evaluation says that there was no champion, and the gate that it cannot compare.
 */
async function scorableChampion(
  lake: LakeBucket,
  { champion }: TrainingRequest,
): Promise<string | null> {
  if (champion === null) {
    return null;
  }
  const found = await listObjects(lake, keyOf(lake, champion.uri));
  return found.length === 0 ? null : champion.uri;
}

async function look(deps: Dependencies, running: Running): Promise<TrainModelOutput> {
  const job = await describeJob(deps.sageMaker, running.jobName);
  switch (job?.TrainingJobStatus) {
    case 'InProgress':
    case 'Stopping':
      return running;
    case 'Completed':
      return done(deps.lake, running, job);
    default:
      throw new StepError(
        'TrainingFailed',
        `The training job ${running.jobName} ended as ${job?.TrainingJobStatus ?? 'unknown'} ` +
          `(${job?.SecondaryStatus ?? 'nothing more is known'}): ${job?.FailureReason ?? 'no reason given'}. ` +
          'Its log: /aws/sagemaker/TrainingJobs',
      );
  }
}

const TrainingFigures = z.object({
  training: z.object({ epochs: z.number().int().positive(), seconds: z.number().nonnegative() }),
});

const Learnt = z.looseObject({
  training_input: z.string(),
  request: z.looseObject({ gate: z.string() }),
});

/**
 * What a training learnt from, as its manifest says. Null for models of older releases, for deleted ones, and if the gate
 * decided on it with other settings: then the job must not skip a training of the same rows.
 */
async function inputOf(
  lake: LakeBucket,
  version: string,
  gate: string,
): Promise<TrainingRequest['last_training']> {
  const manifest = await getText(lake, modelKeys(version).manifest);
  const learnt = Learnt.safeParse(manifest && jsonOf(manifest.text));
  return learnt.success && learnt.data.request.gate === gate
    ? { version, training_input: learnt.data.training_input }
    : null;
}

/** A job's `unchanged.json`: it would have learnt from the same as an earlier training, and trained nothing. */
const Unchanged = z.object({
  same_as: z.string(),
  labels: z.number().int(),
  weak: z.number().int(),
});

/** Records that the last training stands for this input, too: the next run with it starts no job. */
async function unchanged(
  lake: LakeBucket,
  { jobName, fingerprint }: Running,
  text: string,
  seconds: number | undefined,
): Promise<TrainModelOutput> {
  const found = Unchanged.safeParse(jsonOf(text));
  if (!found.success) {
    throw new StepError(
      'TrainingFailed',
      `unchanged.json of ${jobName}: ${z.prettifyError(found.error)}`,
    );
  }
  const { same_as, labels, weak } = found.data;
  const last = await readLastTraining(lake);
  if (last?.jobName === same_as) {
    await recordLastTraining(lake, { jobName: same_as, fingerprint, decidedAt: last.decidedAt });
  }
  return {
    status: 'SKIPPED',
    reason:
      `${same_as} was trained on the same ${labels} labels, ${weak} tweets with the lexicon's label, corpora, options ` +
      'and code, though days or files changed',
    seconds,
  };
}

/** Copies evaluation and manifest to their own objects, for people and the gate: a training job can only write archives. */
async function done(
  lake: LakeBucket,
  running: Running,
  job: DescribeTrainingJobResponse,
): Promise<TrainModelOutput> {
  const { jobName, fingerprint } = running;
  const modelUri = job.ModelArtifacts?.S3ModelArtifacts ?? uriOf(lake, modelKeys(jobName).archive);
  const keys = modelKeys(jobName);
  const archive = await getBytes(
    lake,
    keyOf(lake, modelUri).replace(/model\.tar\.gz$/, 'output.tar.gz'),
  );
  const files = archive
    ? await unpack(archive.bytes, [
        'unchanged.json',
        'evaluation.json',
        'evaluation.html',
        'manifest.json',
        ...encoderFiles,
      ])
    : new Map<string, Buffer>();
  const same = files.get('unchanged.json');
  if (same) return unchanged(lake, running, same.toString('utf8'), job.TrainingTimeInSeconds);
  const encoder = (await getJson(lake, keys.request, TrainingRequest))?.value.encoder;
  if (encoder && encoder.uri === null) {
    await keepEncoder(lake, encoder.version, files);
  }
  // Unchanged, even if some metrics are not numbers: the gate reports that.
  const evaluation = textOf(files, 'evaluation.json', jobName);
  const page = files.get('evaluation.html');
  await putText(lake, keys.evaluation, evaluation, 'application/json');
  const manifest = textOf(files, 'manifest.json', jobName);
  await putText(lake, keys.manifest, manifest, 'application/json');
  if (page) {
    await putText(lake, keys.evaluationPage, page.toString('utf8'), 'text/html; charset=utf-8');
  }
  const figures = TrainingFigures.safeParse(parseLoosely(evaluation, uriOf(lake, keys.evaluation)));
  if (!figures.success) {
    throw new StepError(
      'EvaluationUnusable',
      `${uriOf(lake, keys.evaluation)} does not say how long it trained`,
    );
  }
  const unreadable = leftOut(manifest);
  return {
    status: 'DONE',
    jobName,
    fingerprint,
    ...(unreadable && { unreadable }),
    modelUri,
    evaluationUri: uriOf(lake, keys.evaluation),
    manifestUri: uriOf(lake, keys.manifest),
    epochs: figures.data.training.epochs,
    seconds: job.TrainingTimeInSeconds ?? figures.data.training.seconds,
    capacity: capacityOf(job),
  };
}

/** Older models do not record it. */
const LeftOut = z.object({
  set_aside: z
    .array(z.object({ channel: z.string(), file: z.string(), problem: z.string() }))
    .default([]),
});
const channelPrefixes: Readonly<Record<string, string>> = {
  labels: datasets.labels.prefix,
  corpora: prefixes.corpora,
};

/** Input objects that the training job could not read completely. */
function leftOut(manifest: string): SetAside | undefined {
  const unreadables = new Unreadables();
  const parsed = LeftOut.safeParse(jsonOf(manifest));
  for (const { channel, file, problem } of parsed.data?.set_aside ?? []) {
    unreadables.add(`${channelPrefixes[channel] ?? `${channel}/`}${file}`, problem);
  }
  return unreadables.report();
}

function textOf(files: ReadonlyMap<string, Buffer>, name: string, jobName: string): string {
  const content = files.get(name);
  if (content === undefined) {
    throw new StepError('TrainingFailed', `The output archive of ${jobName} holds no ${name}`);
  }
  return content.toString('utf8');
}

async function describeJob(
  sageMaker: SageMakerClient,
  jobName: string,
): Promise<DescribeTrainingJobResponse | null> {
  try {
    return await sageMaker.send(new DescribeTrainingJobCommand({ TrainingJobName: jobName }));
  } catch (error) {
    if (error instanceof Error && /not found/i.test(error.message)) {
      return null;
    }
    throw error;
  }
}

export const handler = onFirstCall(() => {
  const env = readEnvironment('train-model');
  return trainModel({
    lake: { s3: aws(S3Client), bucket: env.BUCKET },
    catalog: { glue: aws(GlueClient), database: env.DATABASE },
    sageMaker: aws(SageMakerClient),
    roleArn: env.TRAINING_ROLE_ARN,
    keyArn: env.KEY_ARN,
    lakeName: env.LAKE,
    modelPrefix: env.MODEL_PREFIX,
    build: {
      trainingImage: env.TRAINING_IMAGE,
      servingImage: env.SERVING_IMAGE,
      gitCommit: env.GIT_COMMIT,
      gitDirty: env.GIT_DIRTY,
      packageLock: env.PACKAGE_LOCK_SHA256,
    },
    settings: env.SETTINGS,
    languages: env.SETTINGS.model.languages,
    clock: systemClock,
  });
});
